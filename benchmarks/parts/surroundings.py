"""The services around a worker, all real and on this machine: a Redis, the store's process, a picture host.

Everything that is compared uses the same three, in interleaved runs. They share the machine's cores with the worker
and with the benchmark itself.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.parts.picture_server import serving
from benchmarks.parts.process import running
from vitrine.standalone.private_redis import PrivateRedis
from vitrine.store.remote.store import RemoteStore

CHECKOUT = Path(__file__).resolve().parents[2]
"""This checkout; its benchmarks are used whatever checkout is measured."""
LATENCY_SECONDS = 0.030
"""Delay between a request and its response, typical of a picture host on the same continent."""


@dataclass(frozen=True)
class Surroundings:
    """Addresses and paths of the services."""

    redis_url: str
    store_url: str
    store_token: str
    pictures_url: str
    folder: Path  #: For logs and other files that are deleted when the benchmark ends.
    code: str  #: PYTHONPATH of everything measured.

    def store(self) -> RemoteStore:
        """Return a client of the store. The caller closes it."""
        return RemoteStore(self.store_url, self.store_token)

    def picture(self, number: int) -> str:
        """Return the URL of a picture. Each number has a different URL; the bytes repeat."""
        return f"{self.pictures_url}/{number}.jpg"

    def environment(self) -> dict[str, str]:
        """Return the environment variables for a worker or a baseline."""
        return {
            "PYTHONPATH": self.code,
            "VITRINE_DATA_DIR": str(self.folder),
            "VITRINE_REDIS_URL": self.redis_url,
            "VITRINE_QDRANT_URL": f"edge+{self.store_url}",
            "VITRINE_STORE_TOKEN": self.store_token,
            "VITRINE_FETCH_ALLOW": urlsplit(self.pictures_url).netloc,
            "VITRINE_LOG_LEVEL": "WARNING",
            # The bytes repeat: with cached vectors, a file's speed would be measured and not the device's.
            "VITRINE_EMBEDDING_CACHE_BYTES": "0",
        }


@contextmanager
def surroundings(
    folder: Path,
    pictures: Sequence[bytes],
    *,
    latency: float = LATENCY_SECONDS,
    checkout: Path = CHECKOUT,
) -> Iterator[Surroundings]:
    """Start all three in `folder`, and stop them afterwards. The vitrine of `checkout` is measured."""
    code = f"{checkout}{os.pathsep}{CHECKOUT}"
    redis = PrivateRedis(folder / "redis")
    redis.start()
    try:
        with _store(folder, code) as (url, token), serving(pictures, latency=latency) as host:
            yield Surroundings(redis.url, url, token, host, folder, code)
    finally:
        redis.stop()


@contextmanager
def _store(folder: Path, code: str) -> Iterator[tuple[str, str]]:
    """Run `vitrine store` for the duration of the block, and yield its URL and token."""
    token = secrets.token_urlsafe(24)
    port_file = folder / "store.url"
    command = [sys.executable, "-P", "-m", "vitrine", "store", "--path", str(folder / "vectors")]
    with running(
        [*command, "--port-file", str(port_file)],
        environment={
            "PYTHONPATH": code,
            "VITRINE_STORE_TOKEN": token,
            "VITRINE_DATA_DIR": str(folder),
        },
        log=folder / "store.log",
    ) as process:
        process.wait_for(port_file.exists)
        yield port_file.read_text().strip(), token
