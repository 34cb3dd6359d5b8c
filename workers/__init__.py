"""The workers: one process is one model on one device. Fetch, decode, batch, embed, upsert, ledger."""
