"""Embedding libraries for the `embedders` benchmark, each run in a separate process on pictures in memory."""
