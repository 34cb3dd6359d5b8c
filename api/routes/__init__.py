"""The routes of `/v1`, health and metrics, one resource per module."""
