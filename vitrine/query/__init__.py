"""Queries to workers: the client, a single call, and the wire format."""
