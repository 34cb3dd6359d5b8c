"""A thread that does one thing every so often until it is closed, and that no error ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from vitrine.core.errors import Unavailable

log = logging.getLogger(__name__)


class Periodic:
    """Calls `action` every `every` seconds; an error in it is logged, and the next call comes all the same.

    That Redis or the store is away is one line; anything else comes with its traceback.

    What these threads look after (leases, lost chunks, hung devices) would break silently without them.
    """

    def __init__(
        self, name: str, every: float, action: Callable[[], object], *, at_once: bool = False
    ) -> None:
        """`at_once` has the first call come when it starts, not one period later."""
        self._name = name
        self._every = every
        self._action = action
        self._first = 0.0 if at_once else every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    def close(self) -> None:
        """Stop, after a call that is under way; safe to call twice."""
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
                log.exception("%s failed this time", self._name)
