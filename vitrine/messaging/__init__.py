"""Everything in Redis besides the ledger: task messages, dead letters, live workers and their statistics."""
