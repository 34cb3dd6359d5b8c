"""`vitrine score`."""
