"""Questions to workers: the client, one call, and its form on the wire."""
