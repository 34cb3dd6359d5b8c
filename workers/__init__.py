"""The workers. Each process runs one model on one device: fetch, decode, batch, embed, upsert, record in the ledger."""
