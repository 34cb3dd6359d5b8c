"""A private Redis: on loopback, behind a password of its own, appending to a file, evicting nothing.

Its data, password and log live in one folder that only the user can read. A server that an earlier
crash left behind on the same folder is asked to stop first, so that two never write one file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import redis.exceptions
from redis import Redis

from vitrine.core.errors import VitrineError
from vitrine.core.python_command import python_command
from vitrine.standalone.redis_binary import find_redis_binary

START_SECONDS = 60.0
"""Loading an append-only file of some gigabytes takes a while."""
STOP_SECONDS = 30.0
_ATTEMPTS = 5

_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
pidfile "{folder}/redis.pid"
logfile "{folder}/redis.log"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def free_port() -> int:
    """A port that was free a moment ago; whoever uses it must be ready to try another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PrivateRedis:
    """A Redis server process of our own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._password = ""
        self._port = 0

    @property
    def url(self) -> str:
        """Its address, password included: never to be logged."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it at a free port and return when it answers."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        self._stop_leftover()
        for _ in range(_ATTEMPTS):
            self._port = free_port()
            self._password = secrets.token_urlsafe(24)
            self._launch()
            if self._answers():
                return
            if self.alive():
                break
            # It ended by itself: somebody else took the port in between. Another one then.
        # Never a second server on the same files, whatever became of the first.
        self.stop()
        raise self._did_not("start")

    def _did_not(self, what: str) -> VitrineError:
        log = self._folder / "redis.log"
        return VitrineError(f"The private Redis did not {what}.", hint=f"Its log: {log}")

    def _launch(self) -> None:
        config = self._folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            _CONFIG.format(port=self._port, password=self._password, folder=self._folder)
        )
        command = [str(find_redis_binary()), str(config)]
        # A session of its own: a Ctrl-C in the terminal reaches the supervisor, which stops it last.
        self._process = subprocess.Popen(
            python_command("vitrine.process.guard", str(os.getpid()), *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        """Whether it answers in time; one that is still loading its data is given all the time it needs."""
        deadline = time.monotonic() + START_SECONDS
        with contextlib.closing(Redis.from_url(self.url, socket_timeout=5)) as client:
            while time.monotonic() < deadline and self.alive():
                try:
                    client.ping()
                    return True
                except redis.exceptions.BusyLoadingError:
                    deadline = time.monotonic() + START_SECONDS
                except redis.exceptions.RedisError:
                    pass
                time.sleep(0.02)
        return False

    def _stop_leftover(self) -> None:
        """Ask a server that still answers at the address of an earlier start to write its data and end."""
        try:
            lines = (self._folder / "redis.conf").read_text().splitlines()
            config = dict(_words(line) for line in lines)
            url = f"redis://:{config['requirepass']}@127.0.0.1:{int(config['port'])}/0"
        except (OSError, KeyError, ValueError):
            return
        # Only a server with our password on that port is ours; the connection ends as it shuts down.
        with (
            contextlib.closing(Redis.from_url(url, socket_timeout=STOP_SECONDS)) as client,
            contextlib.suppress(redis.exceptions.RedisError),
        ):
            client.shutdown()

    def stop(self) -> None:
        """Stop it, its data written; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # A guard that was killed could not take its server with it.
        self._stop_leftover()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> None:
        """Start it again after it died, at the same address and with the same password."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._stop_leftover()
        self._launch()
        if not self._answers():
            raise self._did_not("come back")


def _words(line: str) -> tuple[str, str]:
    name, _, value = line.strip().partition(" ")
    return name, value
