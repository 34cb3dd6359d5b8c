"""The walk of a chunk: lease, fetch, decode, batch, embed, upsert, ledger; then its message is acknowledged."""
