"""Sends again what the queue lost: every worker runs this, one at a time does it.

A chunk is sent again when its lease ran out (its worker died), when it was put off and is due, or when
its message can no longer be in the queue. The last is told from the queue's own tail: messages leave in
the order they came, so a chunk queued well before the oldest waiting message was lost on the way (Redis
hands a message out before it notes who has it: a death in between loses it).
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
"""Messages looked at: enough that a re-sent one among them does not stand for the whole queue."""
_NOTHING_TO_SEND = frozenset({JobState.CANCELLING, JobState.INDEXING})
"""States of jobs that the queue need not be looked at for."""


class Sender(Protocol):
    """What sends chunks' messages; `vitrine.messaging.broker.Publisher` in production."""

    def publish(
        self, job: str, numbers: Sequence[int], model: str, *, retries: Sequence[int] | None = None
    ) -> None:
        """Send them, saying how often each was begun before."""


class Sweeper:
    """Looks after every active job, every few seconds."""

    def __init__(
        self, ledger: Ledger, redis: Redis, sender: Sender, *, every: float, grace: float
    ) -> None:
        self._ledger = ledger
        self._redis = redis
        self._sender = sender
        self._every = every
        self._grace = grace  #: Seconds that a message may be on its way between queue and lease.
        # Where workers live for less than a period, whoever comes up next sees to what they had in hand.
        self._rounds = Periodic("the sweep", every, self.sweep, at_once=True)

    def start(self) -> None:
        """Start sweeping."""
        self._rounds.start()

    def close(self) -> None:
        """Stop sweeping."""
        self._rounds.close()

    def sweep(self) -> int:
        """Sweep once, unless another worker is at it; returns how many chunks were sent again."""
        if not try_acquire(self._redis, LOCK_KEY, self._every):
            return 0
        # A queue is looked at once, however many jobs are in it.
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
        """The time (the ledger's) before which a chunk was queued that is in the queue no more."""
        now = self._ledger.clock()
        waiting = self._tail(ingest_queue(model))
        queued: list[float] = []
        for job in {job for job, _ in waiting}:
            times = self._ledger.queued_at(job, [n for name, n in waiting if name == job])
            queued += [time for time in times if time is not None]
        return min([now, *queued]) - self._grace

    def _tail(self, queue: str) -> list[tuple[str, int]]:
        """Jobs and chunks of the oldest waiting messages."""
        with redis_errors():
            raw = self._redis.lrange(f"{BROKER_PREFIX}{queue}", -_TAIL, -1)
        return [chunk for message in raw if (chunk := _chunk_of(as_bytes(message)))]


def _chunk_of(message: bytes) -> tuple[str, int] | None:
    """The job and chunk in a broker's message; None where it is none of ours."""
    try:
        body = orjson.loads(base64.b64decode(orjson.loads(message)["body"]))
        _, job, number = body[0]
        return str(job), int(number)
    except (orjson.JSONDecodeError, binascii.Error, KeyError, IndexError, TypeError, ValueError):
        return None
