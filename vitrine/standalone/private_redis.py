"""A private Redis: on loopback, with a generated password, an append-only file, and no eviction.

Its data, password and log are in one folder that only the user can read. A server left behind by an
earlier crash is shut down first, so that two servers never write to the same files.
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
"""Loading an append-only file of several gigabytes takes a while."""
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
    """Return a port that was free a moment ago; the caller must be ready to try another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PrivateRedis:
    """A Redis server process that this process starts and stops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._password = ""
        self._port = 0

    @property
    def url(self) -> str:
        """The server's URL, password included; never log it."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start the server on a free port and return when it responds."""
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
            # It exited: another process took the port in between. Try another one.
        # Never start a second server on the same files, whatever state the first is in.
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
        # In a new session, so that Ctrl-C in the terminal reaches only the supervisor, which stops Redis last.
        self._process = subprocess.Popen(
            python_command("vitrine.process.guard", str(os.getpid()), *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        """Whether the server responds in time; the deadline is extended while it loads its data."""
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
        """Shut down a server that an earlier start left running, saving its data."""
        try:
            lines = (self._folder / "redis.conf").read_text().splitlines()
            config = dict(_words(line) for line in lines)
            url = f"redis://:{config['requirepass']}@127.0.0.1:{int(config['port'])}/0"
        except (OSError, KeyError, ValueError):
            return
        # Only a server with our password on that port is ours; it closes the connection when it shuts down.
        with (
            contextlib.closing(Redis.from_url(url, socket_timeout=STOP_SECONDS)) as client,
            contextlib.suppress(redis.exceptions.RedisError),
        ):
            client.shutdown()

    def stop(self) -> None:
        """Stop the server after it has saved its data; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # If the guard was killed, it could not stop its server.
        self._stop_leftover()

    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> None:
        """Restart the server after it died, at the same address and with the same password."""
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
