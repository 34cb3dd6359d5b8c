"""A store on a Qdrant server."""
