"""The long version of the fault suite: `python -m tests.faults.chaos [--only WORD] [--scale 1.0] [--json]`, or `make chaos`.

Runs every fault as often as it takes to believe it, prints a table of what went in and out, and writes it
into docs/reliability.md with the machine (`--write`), row by row: a run that was stopped goes on with `--missing`. The exit
code is 1 where a count was not exact.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import (
    clock_faults,
    deaths,
    disk_faults,
    host_faults,
    hostile_pictures,
    job_faults,
    picture_faults,
    redis_faults,
    space_faults,
    store_faults,
)
from tests.faults.chaos_page import COLUMNS, Page
from tests.faults.tally import Tally

Run = Callable[[Path, Callable[[int], int]], Tally]
"""A fault in a fresh folder; the second argument scales a count."""


def _marked(fault: str, reason: str | None, hangs: int = 0) -> Run:
    def run(folder: Path, much: Callable[[int], int]) -> Tally:
        pictures = much(10_000)
        return picture_faults.marked_pictures(
            folder, fault, pictures=pictures, culprits=[pictures // 2], reason=reason, hangs=hangs
        )[0]

    return run


def _away(fault: str) -> Run:
    return lambda folder, much: store_faults.away(
        folder, fault, pictures=much(20_000), seconds=10, times=much(5)
    )[0]


def _between(fault: str) -> Run:
    return lambda folder, much: deaths.killed_between(
        folder, fault, pictures=much(10_000), deaths=much(30)
    )


class NotPossible(Exception):
    """Raised where this machine lacks what a fault takes; it is left out, by name."""


def _clock_jumps(folder: Path, much: Callable[[int], int]) -> Tally:
    if clock_faults.library() is None:
        raise NotPossible("libfaketime is not installed (Debian: faketime)")
    return clock_faults.jumps(folder, pictures=much(20_000), times=much(5))


FAULTS: dict[str, Run] = {
    "worker-killed": lambda f, much: deaths.killed(f, pictures=much(250_000), kills=much(500)),
    "worker-frozen": lambda f, much: deaths.lost_message(f, times=much(10)),
    "worker-stopped": lambda f, much: deaths.asked_to_stop(
        f, pictures=much(60_000), stops=much(50)
    )[0],
    "killed-after-upsert": _between("after-upsert"),
    "killed-before-acknowledge": _between("before-acknowledge"),
    "redis-killed": lambda f, much: redis_faults.killed(f, pictures=much(30_000), kills=much(20)),
    "redis-emptied": lambda f, much: redis_faults.emptied(f, pictures=much(20_000))[0],
    "redis-full": lambda f, much: redis_faults.full(f, pictures=much(10_000), times=much(3))[0],
    "redis-cut": lambda f, much: redis_faults.cut(f, pictures=much(40_000), cuts=much(60)),
    "redis-half-open": lambda f, much: redis_faults.half_open(
        f, pictures=much(30_000), times=much(5)
    ),
    **{f"store-{fault.split()[0]}": _away(fault) for fault in store_faults.FAULTS},
    "picture-aborts": _marked("abort", "crashed_worker"),
    "picture-raises": _marked("raise", "model_error"),
    "picture-nan": _marked("nan", "bad_vector"),
    "picture-memory": _marked("memory", None),
    "picture-hangs": _marked("hang", None, hangs=1),
    "pictures-damaged": lambda _, much: hostile_pictures.counted(much(100_000)),
    "job-cancelled": lambda f, much: job_faults.cancelled(f, pictures=much(20_000))[0],
    "job-retried": lambda f, much: job_faults.retried(f, pictures=much(5_000))[0],
    "producer-killed": lambda f, much: job_faults.producer_killed(
        f, pictures=much(20_000), kills=much(5)
    ),
    "host-429": lambda f, much: host_faults.asking_for_quiet(f, pictures=much(5_000))[0],
    "host-flaps": lambda f, much: host_faults.flaps(f, pictures=much(3_000)),
    "host-dead": lambda f, much: host_faults.beside_the_dead(f, pictures=much(60_000)),
    "hosts-rotten": lambda f, much: host_faults.beside_the_rotten(f, pictures=much(60_000)),
    "clock-jumps": _clock_jumps,
    "models-in-turn": lambda f, much: space_faults.one_after_the_other(f, pictures=much(5_000)),
    "models-at-once": lambda f, much: space_faults.at_once(f, pictures=much(5_000)),
    "disk-full": lambda f, much: disk_faults.full(f, pictures=much(10_000), seconds=10),
}


def run(names: Sequence[str], scale: float) -> Iterator[tuple[str, Tally | None, float]]:
    """The faults of these names, and the seconds that each took; None for one that could not be counted."""

    def much(count: int) -> int:
        return max(1, round(count * scale))

    for name in names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                counted: Tally | None = FAULTS[name](Path(folder), much)
            except NotPossible as reason:
                sys.stderr.write(f"{name}: left out, {reason}\n")
                continue
            except Exception:  # noqa: BLE001 - one fault that cannot be counted shall not hide the others
                traceback.print_exc()
                counted = None
        yield name, counted, time.monotonic() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="faults with this in their name")
    parser.add_argument("--scale", type=float, default=1.0, help="of the counts; 0.1 is a tenth")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--write",
        action="store_true",
        help="keep each row, and put the table into docs/reliability.md",
    )
    parser.add_argument(
        "--missing", action="store_true", help="leave out what is kept at this scale already"
    )
    return parser.parse_args()


def main() -> int:
    """Run, print, write."""
    given, page = _arguments(), Page()
    names = [name for name in FAULTS if given.only in name]
    if given.missing:
        names = [name for name in names if not page.done(name, given.scale)]
    tallies: dict[str, Tally | None] = {}
    for name, counted, seconds in run(names, given.scale):
        tallies[name] = counted
        Console(stderr=True).print(f"{name}: {_verdict(counted)}, {seconds:.0f} s")
        if given.write:
            page.keep(name, counted, seconds=seconds, scale=given.scale)
            page.write(list(FAULTS))
    _show(tallies, as_json=given.json)
    return 0 if all(one is not None and one.exact for one in tallies.values()) else 1


def _verdict(counted: Tally | None) -> str:
    if counted is None:
        return "could not be counted"
    return "exact" if counted.exact else f"NOT exact: {counted}"


def _show(tallies: Mapping[str, Tally | None], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(
            json.dumps({n: one and asdict(one) for n, one in tallies.items()}, indent=2)
        )
        return
    table = Table(*COLUMNS)
    for name, one in tallies.items():
        table.add_row(*(one.row() if one else [name]))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
