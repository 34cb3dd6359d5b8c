"""One supervised process: started, restarted when it dies, and stopped in order."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from vitrine.core.python_command import python_command
from vitrine.process.output import ChildOutput
from vitrine.process.parent_watch import PARENT_VARIABLE

log = logging.getLogger(__name__)

MIN_BACKOFF = 0.5
MAX_BACKOFF = 10.0
HEALTHY_SECONDS = 5.0
"""A process that ran this long counts as healthy: its next restart uses the shortest delay."""


class ChildProcess:
    """A `vitrine …` command run as a separate process."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: ChildOutput,
        grace: float,
        steady: float = HEALTHY_SECONDS,
    ) -> None:
        self.name = name
        self.starts = 0  #: Number of times it was started.
        self._arguments = python_command("vitrine", *arguments)
        self._environment = {**os.environ, **environment, PARENT_VARIABLE: str(os.getpid())}
        self._output = output
        self._grace = grace  #: Seconds between SIGTERM and SIGKILL.
        self._steady = steady
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._asked: float | None = None
        self._pause = MIN_BACKOFF
        self._restart_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id, or None if it is not running."""
        return self._process.pid if self.alive() and self._process else None

    def alive(self) -> bool:
        """Return whether the process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the process in a new session, so that Ctrl-C in the terminal reaches only the supervisor."""
        with self._output.open() as output:
            self._process = subprocess.Popen(
                self._arguments,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts += 1
        self._started = time.monotonic()

    def set_option(self, option: str, value: str) -> None:
        """Set an option's value for all later starts."""
        if option in self._arguments:
            self._arguments[self._arguments.index(option) + 1] = value
        else:
            self._arguments += [option, value]

    def restart_if_dead(self) -> None:
        """Restart the process if it died, with a longer delay each time it dies early."""
        if self.alive():
            return
        now = time.monotonic()
        if not self._restart_at:
            if now - self._started > self._steady:
                self._pause = MIN_BACKOFF
            log.warning(
                "%s exited with %s; restarting in %.1f s", self.name, self.exit_code, self._pause
            )
            self._restart_at = now + self._pause
            self._pause = min(MAX_BACKOFF, self._pause * 2)
        if now >= self._restart_at:
            self._restart_at = 0.0
            self.start()

    def ask_to_stop(self) -> None:
        """Send SIGTERM once. The grace period starts now."""
        if self._process is None or self._asked is not None:
            return
        self._asked = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Send SIGTERM, wait for the grace period, then kill the process. Safe to call twice."""
        self.ask_to_stop()
        if self._process is None or self._asked is None:
            return
        try:
            self._process.wait(max(0.0, self._asked + self._grace - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.error("%s did not stop within %.0f s; killing it", self.name, self._grace)
            self._process.kill()
            self._process.wait()
        self._output.drain()
