"""A search, from its request to a page of hits."""
