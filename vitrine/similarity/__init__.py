"""Functions on neighbours in an embedding space: blending examples into one query, relevance cuts, near-duplicates.

Plain functions over arrays of stored vectors, without any requests to other services.
"""
