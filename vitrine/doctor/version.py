"""What a server says of its version, as numbers that can be compared."""

from __future__ import annotations


def parse_major_minor(told: str) -> tuple[int, ...]:
    """`8.0.2` as (8, 0); as far as there are numbers, so nothing at all for what is no version."""
    return tuple(int(part) for part in told.split(".")[:2] if part.isdecimal())
