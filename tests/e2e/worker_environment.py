"""The environment of a worker, without the worker: a private Redis, a store server, and a job of held pictures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import SecretStr
from redis import Redis

from tests.e2e.standalone_process import environment
from tests.patience import PATIENCE
from vitrine.core.settings import Settings
from vitrine.messaging.broker import make_app
from vitrine.standalone.private_redis import PrivateRedis
from vitrine.store.remote.server import serve

TOKEN = "a-token-for-the-tests"


@dataclass(frozen=True)
class Floor:
    """The addresses, as settings and as a command's environment."""

    data_dir: Path
    redis_url: str
    store_url: str
    extra: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """The settings for what the test itself opens."""
        return Settings(
            data_dir=self.data_dir,
            redis_url=SecretStr(self.redis_url),
            qdrant_url=SecretStr(self.store_url),
            store_token=SecretStr(TOKEN),
            query_timeout=PATIENCE,
        )

    @property
    def redis(self) -> Redis:
        """Return a client, to be closed by the caller."""
        return Redis.from_url(self.redis_url)

    def popen(self, *arguments: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a `vitrine` command in a separate process."""
        command = [sys.executable, "-m", "vitrine", *arguments]
        return subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a `vitrine` command until it ends."""
        command = [sys.executable, "-m", "vitrine", *arguments]
        return subprocess.run(
            command, env=self._environment(), input=stdin, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip

    def submit(self, urls: Sequence[str]) -> None:
        """Submit a job of these pictures."""
        arguments = ["submit", "-", "--format", "urls", "--collection", "held"]
        sent = self.run(*arguments, stdin="\n".join(urls))
        assert sent.returncode == 0, sent.stderr

    def in_work(self) -> dict[str, int]:
        """Return the number of chunks in work, by worker."""
        app = make_app(lambda: self.settings)
        try:
            found = app.control.inspect(timeout=2.0).active() or {}
        finally:
            app.close()
        return {node: len(tasks) for node, tasks in found.items()}

    def _environment(self) -> dict[str, str]:
        own = {
            "VITRINE_REDIS_URL": self.redis_url,
            "VITRINE_QDRANT_URL": self.store_url,
            "VITRINE_STORE_TOKEN": TOKEN,
        }
        return environment(self.data_dir, {**own, **self.extra})


@contextmanager
def workshop_floor(folder: Path, **extra: str) -> Iterator[Floor]:
    """Run Redis and a store while the block runs; `extra` is added to every command's environment."""
    redis = PrivateRedis(folder / "redis")
    redis.start()
    try:
        store = serve(folder / "vectors", "127.0.0.1", 0, TOKEN)
        store.start()
        try:
            yield Floor(folder / "data", redis.url, f"edge+{store.url}", extra)
        finally:
            store.shutdown()
    finally:
        redis.stop()
