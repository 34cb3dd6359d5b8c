"""`vitrine embed`."""
