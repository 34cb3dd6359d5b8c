"""`pytest.approx` where a float is asked for: in a field of a value that is compared whole."""

from __future__ import annotations

from typing import Any

import pytest


def near(value: float) -> Any:
    """Something that equals what is near `value`."""
    return pytest.approx(value)
