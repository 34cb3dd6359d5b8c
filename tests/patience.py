"""How long a test waits for what must happen: bounds a hang, and measures nothing.

Every wait ends as soon as its condition holds, so a generous limit costs a passing run nothing, and a machine that is ten
times slower, or loaded by thirty other processes, passes as well. Pytest's own timeout (pyproject.toml) is above it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 1500.0
"""Seconds. The longest test takes half a minute of two quiet cores."""


def wait_until(holds: Callable[[], object], what: str, *, every: float = 0.02) -> None:
    """Return once `holds` is true; fails saying what was waited for."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(every)
