"""`vitrine submit`."""
