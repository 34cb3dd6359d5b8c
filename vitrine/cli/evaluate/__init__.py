"""`vitrine evaluate`."""
