"""`vitrine worker`."""
