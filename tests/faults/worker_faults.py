"""Workers that die, are frozen, or are asked to stop, at random moments and at the worst ones."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis

from tests.faults.harness.endless_job import Feed
from tests.faults.harness.environment import LEASE_SECONDS, SWEEP_SECONDS, Rig, items, rig, until
from tests.faults.harness.fork_server import Nursery
from tests.faults.harness.picture_host import Host, missing
from tests.faults.harness.promise import Promise, at_least, at_most, share, within
from tests.faults.harness.recovery_time import MovingOn
from tests.faults.harness.tally import Tally, tally, together
from vitrine.core.settings import Settings
from vitrine.core.types import CHUNK_SIZE, CatalogItem
from vitrine.messaging.broker import BROKER_PREFIX, ingest_queue

GONE_EVERY = 97
"""Every 97th picture is a 404, so that failures are counted too."""


class Stopwatch:
    """Measures how long after each fault the next outcome comes."""

    def __init__(self, rig: Rig, job: str) -> None:
        self._rig = rig
        self._job = job
        self.seconds: list[float] = []

    def outcomes(self) -> int:
        """Return how many pictures have an outcome."""
        status = self._rig.status(self._job)
        return status.images - status.pending

    def wait_for_next(self, began: float, before: int, patience: float = 120.0) -> None:
        """Wait for a new outcome, or for the end of the job."""

        def more() -> bool:
            self._rig.restart_if_dead()
            status = self._rig.status(self._job)
            return status.state.finished or status.images - status.pending > before

        until(more, "the work to go on", patience)
        self.seconds.append(time.monotonic() - began)


def mixed(good: Host, gone: Host) -> Callable[[int], CatalogItem]:
    """Return a function that makes the n-th item of a catalog with some missing pictures."""

    def item(n: int) -> CatalogItem:
        return CatalogItem(f"item-{n}", ((gone if n % GONE_EVERY == 5 else good).url(n),))

    return item


def not_there(pictures: int) -> dict[str, str]:
    """Return which of the first `pictures` items of such a catalog must fail, and why."""
    return {f"item-{n}": "not_found" for n in range(5, pictures, GONE_EVERY)}


def catalog(good: Host, gone: Host, pictures: int) -> tuple[list[CatalogItem], dict[str, str]]:
    """Return the first `pictures` of these items, and those that must fail."""
    item = mixed(good, gone)
    return [item(n) for n in range(pictures)], not_there(pictures)


def killed(
    folder: Path, *, kills: int, pictures: int = 1000, forked: bool = False, apart: float = 0.5, seed: int = 1
) -> Tally:  # fmt: skip
    """Kill workers with SIGKILL at random moments under load; a recovery ends when all chunks of the
    dead worker were sent again.

    There are three workers, of which two are up before each kill: one that dies while starting has nothing to lose.
    With `forked` they come from a `Nursery`; up to `apart` seconds pass between two kills.
    """
    chance = random.Random(seed)
    with (
        Host() as good,
        Host(missing) as gone,
        Nursery() if forked else contextlib.nullcontext() as nursery,
        rig(folder, [good.address, gone.address]) as parts,
    ):
        parts.nursery = nursery
        for worker in [parts.start_worker() for _ in range(3)]:
            parts.ready(worker)
        with (
            Feed(parts, mixed(good, gone), pictures=pictures, workers=2) as feed,
            MovingOn(parts, feed.job) as moving,
        ):
            for _ in range(kills):
                time.sleep(chance.uniform(0.0, apart))
                parts.one_of(2, chance).kill()
                moving.died()
            feed.end()
        status = parts.finish(feed.job, parts.restart_if_dead)
        counted = tally(
            parts, feed.job, "worker killed (-9)", kills, hosts=[good, gone],
            failing=not_there(status.images), recoveries=moving.sent_again,
        )  # fmt: skip
        return counted.promising(
            share("points written again", 1, counted.doubled, status.images),
            _in_hand(counted, kills),
            within("sent again after", LEASE_SECONDS + 3 * SWEEP_SECONDS, moving.sent_again),
            at_least("chunks they held", kills, moving.chunks),
        )


def killed_in_a_long_job(folder: Path, *, pictures: int) -> Tally:
    """One kill in a long job, with the default lease and sweep intervals: how much work it wastes, and for how long."""
    usual = Settings()
    term, sweep = usual.lease_seconds, usual.sweep_seconds
    extra = {"VITRINE_LEASE_SECONDS": str(term), "VITRINE_SWEEP_SECONDS": str(sweep)}
    with (
        Host() as good,
        Host(missing) as gone,
        rig(folder, [good.address, gone.address], extra) as parts,
    ):
        for worker in [parts.start_worker() for _ in range(2)]:
            parts.ready(worker)
        with Feed(parts, mixed(good, gone), pictures=pictures, workers=2) as feed:
            watch = Stopwatch(parts, feed.job)
            until(lambda: watch.outcomes() > pictures // 3, "a third of the job", patience=900)
            with MovingOn(parts, feed.job) as moving:
                parts.one_of(2, random.Random(0)).kill()
                moving.died()
                parts.restart_if_dead()
        status = parts.finish(feed.job, patience=900)
        counted = tally(
            parts, feed.job, "worker killed in a long job", 1, hosts=[good, gone],
            failing=not_there(status.images), recoveries=moving.taken,
        )  # fmt: skip
        return counted.promising(
            share("points written again", 1, counted.doubled, status.images),
            share("pictures fetched again", 1, counted.fetched_again or 0, status.images),
            within("sent again after", term + 2 * sweep, moving.sent_again),
            within("with another worker after", term + 2 * sweep + 20, moving.taken),
            at_least("chunks it held", 1, moving.chunks),
        )


def _in_hand(counted: Tally, kills: int) -> Promise:
    """Promise that a killed worker wastes no more than it can have in work."""
    holds = Settings().ingest_threads * CHUNK_SIZE
    return at_most("fetched again per kill", holds, (counted.fetched_again or 0) / kills)


def lost_message(folder: Path, *, times: int = 1) -> Tally:
    """Freeze an idle worker, push messages to it, and kill it: the broker loses one for good.

    Each round is counted separately, in its own collection. A worker that happens to be between two blocking reads
    loses none, so rounds repeat until enough messages are lost, or twice as many rounds as needed have run.
    """
    rounds: list[Tally] = []
    with Host() as good, rig(folder, [good.address]) as parts:
        parts.ready(parts.start_worker())
        while sum(one.times for one in rounds) < times and len(rounds) < 2 * times:
            rounds.append(_round(parts, good, len(rounds)))
        counted = together(rounds)
        return counted.promising(
            at_least("messages lost", times, counted.times),
            within("all done after", Settings().lease_seconds, counted.recoveries),
        )


def _round(parts: Rig, good: Host, number: int) -> Tally:
    pictures, collection = 10 * CHUNK_SIZE, f"round-{number}"
    (frozen,) = parts.workers
    time.sleep(0.5)  # until it waits in its blocking read
    frozen.process.send_signal(signal.SIGSTOP)
    parts.store.written.clear()
    good.asked.clear()
    job = parts.submit(items(pictures, good.url), collection)
    frozen.kill()
    lost = pictures // CHUNK_SIZE - _messages(parts)
    began = time.monotonic()
    parts.workers.remove(frozen)
    parts.ready(parts.start_worker())
    parts.finish(job)
    return tally(
        parts, job, "idle worker frozen, then killed", int(lost > 0), hosts=[good],
        recoveries=[time.monotonic() - began], collection=collection,
    )  # fmt: skip


def _messages(parts: Rig) -> int:
    """Count the chunk messages that the broker knows: waiting, or delivered and not acknowledged."""
    with Redis.from_url(parts.redis.url) as redis:
        waiting = redis.llen(f"{BROKER_PREFIX}{ingest_queue('builtin')}")
        return int(waiting) + int(redis.hlen(f"{BROKER_PREFIX}unacked"))


def asked_to_stop(folder: Path, *, stops: int, pictures: int = 1000) -> tuple[Tally, list[int]]:
    """Send SIGTERM under load to one of two workers at a time; return the count and the exit codes. A recovery is the
    time a worker takes to stop."""
    chance = random.Random(1)
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        for worker in [parts.start_worker() for _ in range(2)]:
            parts.ready(worker)
        ends: list[tuple[int, float]] = []
        with Feed(parts, mixed(good, gone), pictures=pictures, workers=2) as feed:
            for _ in range(stops):
                worker = parts.one_of(2, chance)
                ends.append(worker.stop())
                parts.workers.remove(worker)
                parts.start_worker()
        status = parts.finish(feed.job)
        codes = [code for code, _ in ends]
        counted = tally(
            parts, feed.job, "worker asked to stop (SIGTERM)", stops, hosts=[good, gone],
            failing=not_there(status.images), recoveries=[seconds for _, seconds in ends],
        )  # fmt: skip
        return counted.promising(
            at_most("points written again", 0, counted.doubled),
            within("exited after", 90, counted.recoveries),
            at_most("exit codes other than 0", 0, sum(map(bool, codes))),
        ), codes


def killed_between(folder: Path, fault: str, *, pictures: int, deaths: int) -> Tally:
    """Die between upsert and ledger (`after-upsert`), or ledger and acknowledgement (`before-acknowledge`)."""
    counter = folder / "deaths"
    counter.mkdir(parents=True)
    for number in range(deaths):
        (counter / str(number)).touch()
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        made, failing = catalog(good, gone, pictures)
        more = {"FAULT_FILES": str(counter)}
        parts.start_worker(fault, **more)
        job = parts.submit(made)
        parts.finish(job, lambda: parts.restart_if_dead(fault, **more))
        done = deaths - len(list(counter.iterdir()))
        counted = tally(
            parts, job, f"worker killed {fault.replace('-', ' ')}", done,
            hosts=[good, gone], failing=failing,
        )  # fmt: skip
        return counted.promising(at_least("deaths", deaths, done))
