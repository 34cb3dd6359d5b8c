"""`vitrine dedupe`."""
