"""The routes of `/v1` and of the service itself, one resource per module."""
