"""Chunk processing: lease, fetch, decode, batch, embed, upsert, record in the ledger; then the message is acknowledged."""
