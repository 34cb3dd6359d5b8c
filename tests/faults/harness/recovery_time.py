"""Measures how long a killed worker's chunks wait: until they are sent again, and until another worker has them.

The ledger does not record a lease's owner. A dead worker's lease is recognised because it is not renewed, so the leases
at the time of a kill are watched: one that is renewed or finished belonged to another worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

from redis import Redis

from tests.faults.harness.environment import Rig, until
from vitrine.ledger.scripts import job_key

LOOK_EVERY = 0.05


@dataclass(frozen=True)
class _Leases:
    """A job's leases by chunk: the tokens, the ends of their terms, and the attempts so far."""

    tokens: Mapping[bytes, bytes]
    terms: Mapping[bytes, float]
    attempts: Mapping[bytes, bytes]

    def waits(self, chunk: bytes) -> bool:
        """Return whether a chunk was begun and is not leased now: it was sent again."""
        return chunk not in self.tokens and int(self.attempts.get(chunk, b"0")) > 0


@dataclass
class _Death:
    """The leases at a worker's death, and what happened to them."""

    at: float
    held: _Leases
    open: set[bytes] = field(default_factory=set)
    dead: set[bytes] = field(default_factory=set)  #: Known to have been the dead worker's.
    sent_again: float | None = None  #: Seconds until the last of them was sent again.
    taken: float | None = None  #: Seconds until another worker had the last of them.

    def look(self, now: _Leases) -> None:
        """Compare with the present leases."""
        passed = time.monotonic() - self.at
        for chunk in list(self.open):
            if now.tokens.get(chunk) == self.held.tokens[chunk]:
                if now.terms.get(chunk, 0.0) > self.held.terms.get(chunk, 0.0):
                    self.open.discard(chunk)  # Renewed: its owner is alive.
            elif now.waits(chunk):
                self._gone(chunk, passed)
            else:
                self.open.discard(chunk)
                if chunk in now.tokens:
                    self._gone(chunk, passed)  # Taken between two looks, if not seen before.
                if chunk in self.dead:
                    self.taken = passed

    def _gone(self, chunk: bytes, passed: float) -> None:
        if chunk not in self.dead:
            self.dead.add(chunk)
            self.sent_again = passed


class MovingOn:
    """Watches one job while the `with` block runs; its exit waits until all chunks have moved on."""

    def __init__(self, parts: Rig, job: str) -> None:
        self._redis = Redis.from_url(parts.redis.url)
        self._job = job
        self._deaths: list[_Death] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="moving-on", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                until(lambda: not any(death.open for death in self._deaths), "chunks to move on")
        finally:
            self._over.set()
            self._thread.join()
            self._redis.close()

    def died(self) -> None:
        """Record that a worker was just killed."""
        held = self._look()
        self._deaths.append(_Death(time.monotonic(), held, set(held.tokens)))

    @property
    def chunks(self) -> int:
        """The number of chunks that the killed workers had leased."""
        found = (
            (chunk, death.held.tokens[chunk]) for death in self._deaths for chunk in death.dead
        )
        return len(set(found))

    @property
    def sent_again(self) -> list[float]:
        """Seconds from each death until the last of its chunks was sent again."""
        return [death.sent_again for death in self._deaths if death.sent_again is not None]

    @property
    def taken(self) -> list[float]:
        """Seconds from each death until another worker had the last of its chunks."""
        return [death.taken for death in self._deaths if death.taken is not None]

    def _look(self) -> _Leases:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(job_key(self._job, "tokens"))
            pipe.zrange(job_key(self._job, "leased"), 0, -1, withscores=True)
            pipe.hgetall(job_key(self._job, "attempts"))
            tokens, leased, attempts = pipe.execute()
        return _Leases(tokens, dict(cast("list[tuple[bytes, float]]", leased)), attempts)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            watched = [death for death in list(self._deaths) if death.open]
            if watched:
                now = self._look()
                for death in watched:
                    death.look(now)
