"""Workers that die, are frozen, or are asked to stop, at random moments and at the worst ones."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from tests.faults.host import Host, missing
from tests.faults.rig import Rig, items, rig, until
from tests.faults.tally import Tally, tally
from vitrine.contracts import CatalogItem

GONE_EVERY = 97
"""Every so many pictures are 404, so that failures are counted too."""


class Stopwatch:
    """Measures how long after each fault the next outcome comes."""

    def __init__(self, rig: Rig, job: str) -> None:
        self._rig = rig
        self._job = job
        self.seconds: list[float] = []

    def outcomes(self) -> int:
        """Pictures that have one."""
        status = self._rig.status(self._job)
        return status.images - status.pending

    def wait_for_next(self, began: float, before: int, patience: float = 120.0) -> None:
        """Wait for an outcome that was not there before, or for the end of the job."""

        def more() -> bool:
            self._rig.revive()
            status = self._rig.status(self._job)
            return status.state.finished or status.images - status.pending > before

        until(more, "the work to go on", patience)
        self.seconds.append(time.monotonic() - began)


def catalog(good: Host, gone: Host, pictures: int) -> tuple[list[CatalogItem], dict[str, str]]:
    """A catalog in which some pictures are not there; and which, with their reason."""
    made = items(pictures, lambda n: (gone if n % GONE_EVERY == 5 else good).url(n))
    failing = {f"item-{n}": "not_found" for n in range(pictures) if n % GONE_EVERY == 5}
    return made, failing


def killed(folder: Path, *, pictures: int, kills: int, workers: int = 2, seed: int = 1) -> Tally:
    """`kill -9` of workers at random moments under load."""
    chance = random.Random(seed)
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        made, failing = catalog(good, gone, pictures)
        for _ in range(workers):
            parts.ready(parts.start_worker())
        job = parts.submit(made)
        watch = Stopwatch(parts, job)
        done = 0
        while done < kills and not parts.status(job).state.finished:
            time.sleep(chance.uniform(0.0, 1.0))
            before, began = watch.outcomes(), time.monotonic()
            chance.choice([worker for worker in parts.workers if worker.alive()]).kill()
            done += 1
            watch.wait_for_next(began, before)
        parts.finish(job, parts.revive)
        return tally(
            parts, job, "worker killed (-9)", done, failing=failing, recoveries=watch.seconds
        )


def lost_message(folder: Path, *, times: int = 1) -> Tally:
    """An idle worker is frozen, messages are pushed to it, and it is killed: the broker loses one for good."""
    pictures = 640
    with Host() as good, rig(folder, [good.address]) as parts:
        recoveries = []
        for _ in range(times):
            frozen = parts.ready(parts.start_worker())
            time.sleep(0.5)  # Until it waits in its blocking read.
            frozen.process.send_signal(signal.SIGSTOP)
            parts.store.written.clear()
            job = parts.submit(items(pictures, good.url))
            frozen.kill()
            parts.workers.remove(frozen)
            began = time.monotonic()
            parts.start_worker()
            parts.finish(job)
            recoveries.append(time.monotonic() - began)
            parts.stop_workers()
        return tally(parts, job, "idle worker frozen, then killed", times, recoveries=recoveries)


def asked_to_stop(
    folder: Path, *, pictures: int, stops: int
) -> tuple[Tally, list[tuple[int, float]]]:
    """SIGTERM under load; the exit codes and how long each took, beside the count."""
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        made, failing = catalog(good, gone, pictures)
        parts.ready(parts.start_worker())
        job = parts.submit(made)
        ends: list[tuple[int, float]] = []
        watch = Stopwatch(parts, job)
        while len(ends) < stops and not parts.status(job).state.finished:
            before = watch.outcomes()
            watch.wait_for_next(time.monotonic(), before)
            worker = parts.workers.pop()
            began = time.monotonic()
            ends.append(worker.stop())
            before = watch.outcomes()
            parts.start_worker()
            watch.wait_for_next(began, before)
        parts.finish(job, parts.revive)
        counted = tally(
            parts, job, "worker asked to stop (SIGTERM)", len(ends),
            failing=failing, recoveries=[seconds for _, seconds in ends],
        )  # fmt: skip
        return counted, ends


def killed_between(folder: Path, fault: str, *, pictures: int, deaths: int) -> Tally:
    """Death between upsert and ledger (`after-upsert`), or ledger and acknowledgement (`before-acknowledge`)."""
    counter = folder / "deaths"
    counter.mkdir(parents=True)
    for number in range(deaths):
        (counter / str(number)).touch()
    with Host() as good, Host(missing) as gone, rig(folder, [good.address, gone.address]) as parts:
        made, failing = catalog(good, gone, pictures)
        more = {"FAULT_FILES": str(counter)}
        parts.start_worker(fault, **more)
        job = parts.submit(made)
        parts.finish(job, lambda: parts.revive(fault, **more))
        left = len(list(counter.iterdir()))
        return tally(
            parts, job, f"worker killed {fault.replace('-', ' ')}", deaths - left, failing=failing
        )
