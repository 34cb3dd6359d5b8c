"""Jobs that are cancelled midway, retried in part, or left by a killed producer."""

from __future__ import annotations

import contextlib
import csv
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis

from tests.faults.harness.environment import (
    COLLECTION,
    LEASE_SECONDS,
    SWEEP_SECONDS,
    Rig,
    items,
    rig,
    until,
)
from tests.faults.harness.picture_host import Host, missing
from tests.faults.harness.promise import at_least, at_most, within
from tests.faults.harness.tally import Tally, tally
from tests.faults.worker_faults import Stopwatch
from tests.patience import PATIENCE
from vitrine.ledger.scripts import job_key
from vitrine.messaging.broker import Publisher


def cancelled(folder: Path, *, pictures: int) -> tuple[Tally, int]:
    """Cancel a job midway; return the count, and the upserts that ended after the cancel was acknowledged.

    A cancel is acknowledged when the job's state is `cancelled`, after the last chunk in work has stopped. The ledger
    records that time by Redis's clock, which is also the clock of the writes: Redis runs on this machine.
    """
    with Host() as good, rig(folder, [good.address]) as parts:
        for _ in range(2):
            parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, good.url))
        watch = Stopwatch(parts, job)
        until(lambda: watch.outcomes() >= pictures // 5, "a fifth of the job")
        began = time.time()
        with parts.ledger() as ledger:
            ledger.cancel(job)
        parts.finish(job)
        time.sleep(LEASE_SECONDS + SWEEP_SECONDS)  # Anything still on its way has arrived by then.
        acknowledged = _ended(parts, job)
        late = sum(written > acknowledged for written in parts.store.upserts)
        counted = tally(
            parts, job, "job cancelled halfway", 1, hosts=[good], cancelled=True,
            recoveries=[acknowledged - began],
        )  # fmt: skip
        return counted.promising(
            at_most("upserts after the acknowledgement", 0, late),
            at_most("points written again", 0, counted.doubled),
            within("acknowledged after", 30, counted.recoveries),
        ), late


def _ended(parts: Rig, job: str) -> float:
    """Return when the job reached its final state, in Unix seconds."""
    with Redis.from_url(parts.redis.url) as redis:
        noted = redis.hget(job_key(job, "job"), "finished")
    assert noted is not None, "the job has not ended"
    return float(noted)


def retried(folder: Path, *, pictures: int) -> tuple[Tally, list[str]]:
    """Retry two of many failed pictures; return the count, and the paths requested a second time."""
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, lambda n: (gone if n % 50 == 7 else good).url(n)))
        parts.finish(job)
        with parts.ledger() as ledger, contextlib.closing(Publisher(parts.settings())) as publisher:
            numbers = ledger.retry(job, items=frozenset({"item-7", "item-57"}))
            publisher.publish(job, numbers, "builtin")
        parts.finish(job)
        asked = good.asked + gone.asked
        failing = {f"item-{n}": "not_found" for n in range(pictures) if n % 50 == 7}
        again = sorted(path for path, count in asked.items() if count > 1)
        counted = tally(parts, job, "two failures retried", 1, hosts=[good, gone], failing=failing)
        return counted.promising(
            at_most("other pictures requested again", 0, len(set(again) - {"7", "57"})),
            at_least("of the two requested again", 2, len({"7", "57"}.intersection(again))),
        ), again


def producer_killed(folder: Path, *, pictures: int, kills: int) -> Tally:
    """Kill `vitrine submit` midway and resume it, until the whole catalog is submitted.

    The number of pending pictures is limited, so that the producer waits for the worker and is caught midway each time.
    """
    slowly = {"VITRINE_MAX_PENDING_IMAGES": "256"}
    with Host() as good, rig(folder, [good.address], slowly) as parts:
        parts.ready(parts.start_worker())
        catalog = folder / "catalog.csv"
        with catalog.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "image"])
            rows.writerows([f"item-{n}", good.url(n)] for n in range(pictures))
        _submit_and_kill(parts, ["submit", str(catalog), "--collection", COLLECTION], 1)
        job = _only_job(parts)
        for _ in range(1, kills):
            have = parts.status(job).images
            _submit_and_kill(parts, ["submit", str(catalog), "--resume", job], have + 1)
            assert have < parts.status(job).images < pictures
        resumed = _command(parts, ["submit", str(catalog), "--resume", job])
        assert resumed.wait(PATIENCE) == 0
        parts.finish(job)
        counted = tally(parts, job, "producer killed while submitting", kills, hosts=[good])
        return counted.promising(
            at_least("pictures in", pictures, counted.put_in),
            at_most("points written again", 0, counted.doubled),
        )


def _submit_and_kill(parts: Rig, arguments: list[str], at_least: int) -> None:
    """Start a submission and kill it once the job has at least `at_least` pictures."""
    process = _command(parts, arguments)

    def fed() -> bool:
        with parts.ledger() as ledger:
            return any(status.images >= at_least for status in ledger.jobs())

    until(lambda: fed() or process.poll() is not None, "the submission to begin")
    process.kill()
    process.wait()


def _command(parts: Rig, arguments: list[str]) -> subprocess.Popen[bytes]:
    with (parts.folder / "submit.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "vitrine", *arguments],
            env=parts.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _only_job(parts: Rig) -> str:
    with parts.ledger() as ledger:
        (status,) = ledger.jobs()
    return status.spec.id
