"""`vitrine top`."""
