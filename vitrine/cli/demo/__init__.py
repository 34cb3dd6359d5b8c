"""`vitrine demo`."""
