"""Schemas of request and response bodies: `/docs` shows them, and a request that does not match is refused with 422."""
