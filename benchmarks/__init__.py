"""Benchmarks that compare alternatives in interleaved runs. Run one with `python -m benchmarks.NAME [--json]`."""
