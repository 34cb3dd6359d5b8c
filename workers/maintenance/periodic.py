"""A thread that repeats an action until it is closed and survives every error."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from vitrine.core.errors import Unavailable

log = logging.getLogger(__name__)


class Periodic:
    """Calls `action` every `every` seconds; an error is logged and does not stop the next call.

    If Redis or the store is unreachable, one line is logged; any other error is logged with its traceback.

    These threads look after leases, lost chunks and hung devices, which would fail silently without them.
    """

    def __init__(
        self, name: str, every: float, action: Callable[[], object], *, at_once: bool = False
    ) -> None:
        """With `at_once` the first call comes at the start, not one period later."""
        self._name = name
        self._every = every
        self._action = action
        self._first = 0.0 if at_once else every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the current call, if any; safe to call twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait = self._first
        while not self._stop.wait(wait):
            wait = self._every
            try:
                self._action()
            except Unavailable as error:
                log.warning("%s is postponed: %s", self._name, error)
            except Exception:
                log.exception("%s failed; it will run again", self._name)
