"""Jobs that are cancelled in the middle, retried in part, or left by a producer that was killed."""

from __future__ import annotations

import contextlib
import csv
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.deaths import Stopwatch
from tests.faults.host import Host, missing
from tests.faults.rig import COLLECTION, Rig, items, rig, until
from tests.faults.tally import Tally, tally
from vitrine.broker import Publisher


def cancelled(folder: Path, *, pictures: int) -> tuple[Tally, int]:
    """Cancelled in the middle; the count, and the upserts that came after the job said it was cancelled."""
    with Host() as good, rig(folder, [good.address]) as parts:
        for _ in range(2):
            parts.ready(parts.start_worker())
        job = parts.submit(items(pictures, good.url))
        watch = Stopwatch(parts, job)
        until(lambda: watch.outcomes() >= pictures // 5, "a fifth of the job")
        began = time.monotonic()
        with parts.ledger() as ledger:
            ledger.cancel(job)
        parts.finish(job)
        took, written = time.monotonic() - began, parts.store.upserts
        time.sleep(3)
        counted = tally(
            parts, job, "job cancelled in the middle", 1, cancelled=True, recoveries=[took]
        )
        return counted, parts.store.upserts - written


def retried(folder: Path, *, pictures: int) -> tuple[Tally, list[str]]:
    """Many pictures fail and two of them are retried; the count, and the paths asked for a second time."""
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
        counted = tally(parts, job, "two failures retried", 1, failing=failing)
        return counted, sorted(path for path, count in asked.items() if count > 1)


def producer_killed(folder: Path, *, pictures: int, kills: int) -> Tally:
    """`vitrine submit` killed in the middle, and resumed, until all of the catalog is in.

    Some pictures are pending at most, so that the producer waits for the worker and is met half-way each time.
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
        assert resumed.wait(300) == 0
        parts.finish(job)
        return tally(parts, job, "producer killed while submitting", kills)


def _submit_and_kill(parts: Rig, arguments: list[str], at_least: int) -> None:
    """Start a submission and kill it once the job has so many pictures."""
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
