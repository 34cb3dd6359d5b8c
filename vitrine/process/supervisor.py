"""Several workers under one command: all started, each started again when it dies, all stopped together."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Sequence

from vitrine.core.errors import EXIT_COULD_NOT_RUN, EXIT_OK, EXIT_USAGE, BadInput, VitrineError
from vitrine.process.child import ChildProcess

log = logging.getLogger(__name__)

GRACE_SECONDS = 85.0
"""A worker that cannot stop ends itself after 75 s; containers and init systems kill everybody after 90 s."""
STEADY_SECONDS = 60.0
"""Loading a large model takes most of a minute; dying while it loads is dying young."""
_POLL_SECONDS = 0.2
_CLEAN_EXIT_CODES = (EXIT_OK, -signal.SIGTERM)
"""A worker that dies of the signal had not begun to consume: from then on it handles it, and ends with 0."""


class Supervisor:
    """Children that run until told to stop.

    A child that dies is started again, after longer and longer pauses. One that refuses its very first start for
    bad input (a model, a device, a setting) would do so for ever, and so would its like: the fleet stops.
    One that refuses a later start, as when its GPU has fallen off the bus, is left out; the rest go on.
    """

    def __init__(self, children: Sequence[ChildProcess]) -> None:
        self._children = list(children)
        self._left_out: list[ChildProcess] = []

    def run(self, stop: threading.Event) -> int:
        """Run until `stop` is set; 0 where every child was up then and ended well, 1 otherwise.

        Raises `BadInput` where a child refuses its first start, `VitrineError` once none is left; all are
        stopped first.
        """
        try:
            for child in self._children:
                child.start()
            while not stop.wait(_POLL_SECONDS):
                self._look()
            log.info("stopping %d workers after current work finishes", len(self._running()))
        finally:
            self._stop()
        return self._exit_code()

    def _look(self) -> None:
        for child in self._running():
            if child.exit_code == EXIT_USAGE:
                self._refused(child)
            else:
                child.restart_if_dead()
        if not self._running():
            raise VitrineError("No worker is left: each refuses to start; it says why above.")

    def _refused(self, child: ChildProcess) -> None:
        child.stop()  # It has ended: this waits for its last words, so that they stand above ours.
        if child.starts == 1:
            raise BadInput(
                f"The worker on {child.name} cannot start with what it was given.",
                hint="It says why above; the others were stopped.",
            )
        log.error("the worker on %s refuses to start again and is left out", child.name)
        self._left_out.append(child)

    def _running(self) -> list[ChildProcess]:
        return [child for child in self._children if child not in self._left_out]

    def _stop(self) -> None:
        # All are asked before any is waited for, so that together they take no longer than one.
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop()

    def _exit_code(self) -> int:
        bad = [child for child in self._children if child.exit_code not in _CLEAN_EXIT_CODES]
        for child in bad:
            log.error("the worker on %s ended with %s", child.name, child.exit_code)
        return EXIT_COULD_NOT_RUN if bad else EXIT_OK
