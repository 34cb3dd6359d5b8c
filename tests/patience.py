"""How long a test waits for an expected event. The limits bound a hang; they measure nothing.

Every wait ends as soon as its condition holds, so a generous limit costs a passing run nothing, and tests also pass on
a machine that is ten times slower or runs thirty other processes. Pytest's own timeout (pyproject.toml) is higher.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

PATIENCE = 900.0
"""Seconds for whole processes. The longest takes half a minute on two idle cores, five minutes next to thirty others."""
CLICK_PATIENCE = float(os.environ.get("VITRINE_TEST_CLICK_PATIENCE", "240"))
"""Seconds for the page to react to a click: one on two idle cores. Kept short because a failing test waits this long."""

SETTINGS = {
    f"VITRINE_{name}_TIMEOUT": str(int(PATIENCE))
    for name in ("FETCH", "FETCH_CONNECT", "QUERY", "DEVICE", "STORE", "API_CLIENT")
}
"""Generous timeouts for the product's own processes, for tests that do not test a timeout: on a loaded machine a shop's
response can easily take more than ten seconds, and the picture would fail."""


def wait_until(holds: Callable[[], object], what: str, *, every: float = 0.02) -> None:
    """Return once `holds` is true; on timeout, fail naming `what`."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(every)
