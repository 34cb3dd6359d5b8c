"""Server versions as comparable numbers."""

from __future__ import annotations


def parse_major_minor(told: str) -> tuple[int, ...]:
    """Parse `8.0.2` into (8, 0); parts that are not numbers are dropped, so other text gives an empty tuple."""
    return tuple(int(part) for part in told.split(".")[:2] if part.isdecimal())
