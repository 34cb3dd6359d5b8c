"""Queries in a worker: the inbox, and the worker that answers them through the same stages as chunks."""
