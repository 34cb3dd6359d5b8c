"""A job from a catalog: rows into chunks, chunks into the ledger, messages to the queue; resumed, retried, held back."""
