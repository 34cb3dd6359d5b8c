"""Every fault as `make chaos` injects it: how often, into how many pictures, and with which promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tests.faults import (
    clock_faults,
    disk_faults,
    host_faults,
    hostile_pictures,
    job_faults,
    picture_faults,
    redis_faults,
    space_faults,
    store_faults,
    worker_faults,
)
from tests.faults.harness.promise import at_least, at_most, within
from tests.faults.harness.tally import Tally

Much: TypeAlias = Callable[[int], int]
Run: TypeAlias = Callable[[Path, Much], Tally]
"""Runs a fault in a fresh folder; the second argument scales a count."""

HANGING = 130.0
"""Seconds for which the store takes requests and never answers: two minutes, and longer than a request's timeout."""


class NotPossible(Exception):
    """Raised if this machine lacks something that a fault needs; the report then lists the fault as left out."""


def _aborts(folder: Path, much: Much) -> Tally:
    pictures = much(10_000)
    marks = {pictures // 2: "abort"}
    return picture_faults.marked_pictures(folder, marks, pictures=pictures)[0]


def _broken(folder: Path, much: Much) -> Tally:
    pictures = much(10_000)
    kinds = ("raise", "nan", "memory")
    marks = {n: kinds[n // 100 % 3] for n in range(50, pictures, 100)}
    return picture_faults.marked_pictures(folder, marks, pictures=pictures)[0]


def _hangs(folder: Path, much: Much) -> Tally:
    """Uses the watchdog's default of one minute."""
    pictures = much(10_000)
    marks = {pictures // 2: "hang"}
    return picture_faults.marked_pictures(folder, marks, pictures=pictures, hangs=1, extra={})[0]


def _away(fault: str, *, seconds: float = 10.0, times: int = 3) -> Run:
    return lambda folder, much: store_faults.away(
        folder, fault, pictures=1000, seconds=seconds, times=much(times)
    )[0]


def _between(fault: str) -> Run:
    return lambda folder, much: worker_faults.killed_between(
        folder, fault, pictures=much(5_000), deaths=much(10)
    )


def _full(folder: Path, much: Much) -> Tally:
    times = much(3)
    full = redis_faults.full(folder, pictures=much(10_000), times=times)
    return full.tally.promising(
        at_least("submissions refused with the reason", times, len(full.told)),
        at_most("workers that exited", 0, full.crashes),
        at_most("connections left open", 10, full.left_open),
        within("work resumes after", 30, full.tally.recoveries),
    )


def _damaged(_folder: Path, much: Much) -> Tally:
    return hostile_pictures.counted(much(100_000), odd_files())


def _clock_jumps(folder: Path, much: Much) -> Tally:
    if clock_faults.library() is None:
        raise NotPossible("libfaketime is not installed (Debian: faketime)")
    return clock_faults.jumps(folder, pictures=much(20_000), times=much(3))


def _disk_full(folder: Path, much: Much) -> Tally:
    if not disk_faults.possible():
        raise NotPossible("this machine does not let us make a mount namespace")
    return disk_faults.full(folder, pictures=much(10_000), seconds=10)


def odd_files() -> Path | None:
    """Return the folder of odd pictures if the shared data is available (VITRINE_TEST_DATA)."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("VITRINE_TEST_DATA") or beside) / "odd"
    return folder if folder.is_dir() else None


FAULTS: dict[str, Run] = {
    "worker-killed": lambda f, much: worker_faults.killed(
        f, kills=much(500), forked=True, apart=1.5
    ),
    "worker-killed-once": lambda f, much: worker_faults.killed_in_a_long_job(
        f, pictures=much(80_000)
    ),
    "worker-frozen": lambda f, much: worker_faults.lost_message(f, times=much(10)),
    "worker-stopped": lambda f, much: worker_faults.asked_to_stop(f, stops=much(50))[0],
    "killed-after-upsert": _between("after-upsert"),
    "killed-before-acknowledge": _between("before-acknowledge"),
    "redis-killed": lambda f, much: redis_faults.killed(f, pictures=much(40_000), kills=much(20)),
    "redis-emptied": lambda f, much: redis_faults.emptied(f, pictures=much(20_000))[0],
    "redis-full": _full,
    "redis-cut": lambda f, much: redis_faults.cut(f, pictures=1000, cuts=much(60)),
    "redis-half-open": lambda f, much: redis_faults.half_open(f, pictures=1000, times=much(3)),
    "store-refused": _away("refused"),
    "store-503": _away("503"),
    "store-429": _away("429 with Retry-After"),
    "store-hanging": _away("hanging", seconds=HANGING, times=1),
    "picture-aborts": _aborts,
    "picture-breaks-model": _broken,
    "picture-hangs": _hangs,
    "pictures-damaged": _damaged,
    "job-cancelled": lambda f, much: job_faults.cancelled(f, pictures=much(20_000))[0],
    "job-retried": lambda f, much: job_faults.retried(f, pictures=much(5_000))[0],
    "producer-killed": lambda f, much: job_faults.producer_killed(
        f, pictures=much(12_000), kills=much(5)
    ),
    "host-429": lambda f, much: host_faults.beside_the_busy(f, pictures=much(12_000)),
    "host-flaps": lambda f, much: host_faults.beside_the_flapping(f, pictures=much(12_000)),
    "host-dead": lambda f, much: host_faults.beside_the_dead(f, pictures=much(12_000)),
    "hosts-rotten": lambda f, much: host_faults.beside_the_rotten(f, pictures=much(12_000)),
    "clock-jumps": _clock_jumps,
    "models-in-turn": lambda f, much: space_faults.one_after_the_other(f, pictures=much(5_000)),
    "models-at-once": lambda f, much: space_faults.at_once(f, pictures=much(5_000)),
    "disk-full": _disk_full,
}
