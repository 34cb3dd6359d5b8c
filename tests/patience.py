"""How long a test waits for what must happen: bounds a hang, and measures nothing.

Every wait ends as soon as its condition holds, so a generous limit costs a passing run nothing, and a machine that is ten
times slower, or loaded by thirty other processes, passes as well. Pytest's own timeout (pyproject.toml) is above it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

PATIENCE = 900.0
"""Seconds for whole processes. The longest takes half a minute of two quiet cores, and took five minutes beside thirty others."""
CLICK_PATIENCE = float(os.environ.get("VITRINE_TEST_CLICK_PATIENCE", "240"))
"""Seconds for what a page shows after a click: a second of two quiet cores. A failing test costs this, so it is no longer."""

SETTINGS = {
    f"VITRINE_{name}_TIMEOUT": str(int(PATIENCE))
    for name in ("FETCH", "FETCH_CONNECT", "QUERY", "DEVICE", "STORE", "API_CLIENT")
}
"""The limits of the product's own processes, for tests whose subject is no limit: ten seconds of a shop's answer are soon
over on a loaded machine, and the picture then fails."""


def wait_until(holds: Callable[[], object], what: str, *, every: float = 0.02) -> None:
    """Return once `holds` is true; fails saying what was waited for."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(every)
