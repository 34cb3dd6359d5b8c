"""Compatibility routes for clients of other systems, on the same queue, workers and errors as `/v1`."""
