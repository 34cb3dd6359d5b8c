"""Several workers under one command: started together, restarted individually when they die, stopped together."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Sequence

from vitrine.core.errors import EXIT_COULD_NOT_RUN, EXIT_OK, EXIT_USAGE, BadInput, VitrineError
from vitrine.process.child import ChildProcess

log = logging.getLogger(__name__)

GRACE_SECONDS = 85.0
"""A worker that cannot stop exits after 75 s; containers and init systems kill everything after 90 s."""
STEADY_SECONDS = 60.0
"""Loading a large model takes most of a minute, so dying while it loads counts as dying early."""
_POLL_SECONDS = 0.2
_CLEAN_EXIT_CODES = (EXIT_OK, -signal.SIGTERM)
"""A worker that dies of SIGTERM had not begun to consume: after that, it handles the signal and exits with 0."""


class Supervisor:
    """Children that run until they are told to stop.

    A child that dies is restarted after increasing delays. If a child rejects its first start because of bad input
    (a model, a device, a setting), every retry would fail, also for its siblings, so the supervisor stops them all.
    A child that rejects a later start, for example because its GPU has failed, is dropped; the others keep running.
    """

    def __init__(self, children: Sequence[ChildProcess]) -> None:
        self._children = list(children)
        self._left_out: list[ChildProcess] = []

    def run(self, stop: threading.Event) -> int:
        """Run until `stop` is set. Returns 0 if every child was running then and stopped cleanly, 1 otherwise.

        Raises `BadInput` if a child rejects its first start and `VitrineError` once no child is left, after
        stopping all children.
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
            raise VitrineError("No worker is left: none could start; see the errors above.")

    def _refused(self, child: ChildProcess) -> None:
        child.stop()  # It has ended: this waits for its last output, so that it appears above ours.
        if child.starts == 1:
            raise BadInput(
                f"The worker on {child.name} cannot start with these options.",
                hint="See its error above; the other workers were stopped.",
            )
        log.error("the worker on %s cannot restart and is left out", child.name)
        self._left_out.append(child)

    def _running(self) -> list[ChildProcess]:
        return [child for child in self._children if child not in self._left_out]

    def _stop(self) -> None:
        # Signal all children before waiting for any, so that they stop in parallel.
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop()

    def _exit_code(self) -> int:
        bad = [child for child in self._children if child.exit_code not in _CLEAN_EXIT_CODES]
        for child in bad:
            log.error("the worker on %s ended with %s", child.name, child.exit_code)
        return EXIT_COULD_NOT_RUN if bad else EXIT_OK
