"""Submitting a catalog as a job: rows to chunks, chunks to the ledger, messages to the queue; with resume, retry and back-pressure."""
