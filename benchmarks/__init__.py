"""Measurements: ratios of things run side by side, each `python -m benchmarks.NAME [--json]`."""
