"""`vitrine doctor`."""
