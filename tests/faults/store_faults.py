"""The store refuses, is overloaded, rate-limits, or hangs: nothing counts as done before it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis

from tests.faults.harness.endless_job import Feed
from tests.faults.harness.environment import Rig, rig
from tests.faults.harness.picture_host import Host, missing
from tests.faults.harness.promise import at_least, at_most, within
from tests.faults.harness.tally import Tally, tally
from tests.faults.harness.tcp_proxy import Gate, response
from tests.faults.worker_faults import Stopwatch, mixed, not_there
from vitrine.messaging.worker_registry import live_workers

FAULTS: Mapping[str, Callable[[Gate], None]] = {
    "refused": Gate.refuse,
    "503": lambda gate: gate.answer(response("503 Service Unavailable")),
    "429 with Retry-After": lambda gate: gate.answer(
        response("429 Too Many Requests", retry_after=2)
    ),
    "hanging": Gate.hang,
}


GOES_ON = 15.0
"""Seconds after the store's return: the breaker pauses for ten at most."""


@dataclass
class Meanwhile:
    """Observations while the store was unreachable."""

    ahead: int = 0  #: Pictures embedded by the ledger but missing in the store.
    told: set[str] = field(default_factory=set)  #: What workers reported about the store.
    open: int = 0  #: Outages at whose end a worker reported it.
    asked: int = 0  #: Requests that were answered in the store's place.


def away(
    folder: Path, fault: str, *, pictures: int, seconds: float, times: int = 1
) -> tuple[Tally, Meanwhile]:
    """Make the store unreachable for some seconds; return the count and the observations."""
    with (
        Host() as good,
        Host(missing) as gone,
        rig(folder, [good.address, gone.address]) as parts,
        Gate(urlsplit(parts.store_url).port or 0) as gate,
    ):
        parts.store_url = f"edge+http://127.0.0.1:{gate.port}"
        parts.ready(parts.start_worker())
        seen = Meanwhile()
        with Feed(parts, mixed(good, gone), pictures=pictures) as feed:
            watch = Stopwatch(parts, feed.job)
            for _ in range(times):
                watch.wait_for_next(time.monotonic(), watch.outcomes())
                watch.seconds.pop()
                FAULTS[fault](gate)
                time.sleep(seconds)
                _look(parts, feed.job, gate, seen)
                before, began = watch.outcomes(), time.monotonic()
                gate.restore()
                watch.wait_for_next(began, before)
        status = parts.finish(feed.job, parts.restart_if_dead)
        counted = tally(
            parts, feed.job, f"store {fault} for {seconds:.0f} s", times, hosts=[good, gone],
            failing=not_there(status.images), recoveries=watch.seconds,
        )  # fmt: skip
        return counted.promising(
            at_most("outcomes recorded before the write", 0, seen.ahead),
            at_least("breaker seen open", times, seen.open),
            within("work resumes after", GOES_ON, watch.seconds),
            at_most("workers that exited", 0, parts.crashes),
        ), seen


def _look(parts: Rig, job: str, gate: Gate, seen: Meanwhile) -> None:
    # Read the ledger first, so that writes in between do not count against it.
    embedded = parts.status(job).embedded
    seen.ahead += max(0, embedded - len(parts.store.written))
    told = _told(parts)
    seen.told |= told
    seen.open += bool(told)
    seen.asked = gate.answered


def _told(parts: Rig) -> set[str]:
    with Redis.from_url(parts.redis.url) as redis:
        return {
            worker.store_away.why for worker in live_workers(redis) if worker.store_away is not None
        }
