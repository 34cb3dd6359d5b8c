"""`pytest.approx` typed as a float field of a value that is compared whole."""

from __future__ import annotations

from typing import Any

import pytest


def near(value: float) -> Any:
    """Return an object that equals any number close to `value`."""
    return pytest.approx(value)
