"""A search from its request to the page of hits."""
