"""Sends lost and due chunks again: every worker runs this, but only one at a time acts.

A chunk is sent again when its lease ran out (its worker died), when it was deferred and is due, or when
its message can no longer be in the queue. The tail of the queue shows the last case: messages leave in
order, so a chunk queued well before the oldest waiting message was lost on the way (Redis delivers a
message before it records the receiver, so a death in between loses it).
"""

from __future__ import annotations

import base64
import binascii
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import orjson
from redis import Redis

from vitrine.core.errors import NotFound
from vitrine.core.redis_client import as_bytes, redis_errors
from vitrine.core.types import JobState, JobStatus
from vitrine.ledger import Ledger
from vitrine.messaging.broker import BROKER_PREFIX, ingest_queue
from vitrine.telemetry import log_fields
from workers.maintenance.leader_lock import try_acquire
from workers.maintenance.periodic import Periodic

log = logging.getLogger(__name__)

LOCK_KEY = "vitrine:sweeper"
_TAIL = 200
"""Messages read from the tail: enough that one re-sent message among them does not distort the result."""
_NOTHING_TO_SEND = frozenset({JobState.CANCELLING, JobState.INDEXING})
"""States of jobs for which the queue need not be read."""


class Sender(Protocol):
    """Sends chunk messages; `vitrine.messaging.broker.Publisher` in production."""

    def publish(
        self, job: str, numbers: Sequence[int], model: str, *, retries: Sequence[int] | None = None
    ) -> None:
        """Send messages for the chunks; `retries` is how often each was begun before."""


class Sweeper:
    """Sweeps every active job, every few seconds."""

    def __init__(
        self, ledger: Ledger, redis: Redis, sender: Sender, *, every: float, grace: float
    ) -> None:
        self._ledger = ledger
        self._redis = redis
        self._sender = sender
        self._every = every
        self._grace = grace  #: Seconds that a message may be between the queue and its lease.
        # Sweep at the start: if workers die within a period, the next one to start picks up their chunks.
        self._rounds = Periodic("the sweep", every, self.sweep, at_once=True)

    def start(self) -> None:
        """Start sweeping."""
        self._rounds.start()

    def close(self) -> None:
        """Stop sweeping."""
        self._rounds.close()

    def sweep(self) -> int:
        """Sweep once, unless another worker did so recently; return how many chunks were sent again."""
        if not try_acquire(self._redis, LOCK_KEY, self._every):
            return 0
        # Read each queue only once, however many jobs are in it.
        lost_before = functools.cache(self._lost_before)
        return sum(self._sweep_job(job, lost_before) for job in self._ledger.active_jobs())

    def _sweep_job(self, job: str, lost_before: Callable[[str], float]) -> int:
        status = self._status(job)
        if status is None or status.state in _NOTHING_TO_SEND:
            self._ledger.sweep(job, lost_before=0.0)
            return 0
        model = status.spec.model
        numbers = self._ledger.sweep(job, lost_before=lost_before(model))
        if numbers:
            begun = self._ledger.attempts(job, numbers)
            self._sender.publish(job, numbers, model, retries=begun)
            told = log_fields(job=job, model=model, begun_before=sum(map(bool, begun)))
            log.warning("sent %d chunks of job %s again", len(numbers), job, extra=told)
        return len(numbers)

    def _status(self, job: str) -> JobStatus | None:
        try:
            return self._ledger.status(job)
        except NotFound:
            return None

    def _lost_before(self, model: str) -> float:
        """Return the time (ledger clock) such that a chunk queued before it is no longer in the queue."""
        now = self._ledger.clock()
        waiting = self._tail(ingest_queue(model))
        queued: list[float] = []
        for job in {job for job, _ in waiting}:
            times = self._ledger.queued_at(job, [n for name, n in waiting if name == job])
            queued += [time for time in times if time is not None]
        return min([now, *queued]) - self._grace

    def _tail(self, queue: str) -> list[tuple[str, int]]:
        """Return the job and chunk of each of the oldest waiting messages."""
        with redis_errors():
            raw = self._redis.lrange(f"{BROKER_PREFIX}{queue}", -_TAIL, -1)
        return [chunk for message in raw if (chunk := _chunk_of(as_bytes(message)))]


def _chunk_of(message: bytes) -> tuple[str, int] | None:
    """Return the job and chunk of a broker message; None if it is not a chunk message."""
    try:
        body = orjson.loads(base64.b64decode(orjson.loads(message)["body"]))
        _, job, number = body[0]
        return str(job), int(number)
    except (orjson.JSONDecodeError, binascii.Error, KeyError, IndexError, TypeError, ValueError):
        return None
