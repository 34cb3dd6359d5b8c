"""The long version of the fault suite: `python -m tests.faults.chaos [--only WORD] [--scale 1.0] [--json]`, or `make chaos`.

Runs every fault as often as it takes to believe it, prints a table of what went in and out, and writes it
into docs/reliability.md with the machine and the command. The exit code is 1 where a count was not exact.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import (
    clock_faults,
    deaths,
    disk_faults,
    host_faults,
    job_faults,
    picture_faults,
    redis_faults,
    space_faults,
    store_faults,
)
from tests.faults.tally import Tally

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
COLUMNS = (
    "fault", "times", "in", "out", "lost", "wrong", "doubled", "recovery s, median", "worst",
    "rate share", "peak MiB",
)  # fmt: skip

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


def run(only: str, scale: float) -> Iterator[tuple[str, Tally | None, float]]:
    """Every fault whose name has `only` in it; None for one that could not be counted."""

    def much(count: int) -> int:
        return max(1, round(count * scale))

    for name, fault in FAULTS.items():
        if only not in name:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                counted: Tally | None = fault(Path(folder), much)
            except NotPossible as reason:
                sys.stderr.write(f"{name}: left out, {reason}\n")
                continue
            except Exception:  # noqa: BLE001 - one fault that cannot be counted shall not hide the others
                traceback.print_exc()
                counted = None
        yield name, counted, time.monotonic() - began


def machine() -> str:
    """What it ran on, in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def markdown(rows: list[list[str]], command: str) -> str:
    """The table as it stands in the document."""
    lines = [
        f"Measured on {time.strftime('%Y-%m-%d')} with `{command}`: {machine()}.", "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" + "---:|" * (len(COLUMNS) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]  # fmt: skip
    return "\n".join(lines)


def write(text: str, document: Path = DOCUMENT) -> None:
    """Put the table between the document's markers."""
    old = document.read_text()
    before, rest = old.split(BEGIN)
    _, after = rest.split(END)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="faults with this in their name")
    parser.add_argument("--scale", type=float, default=1.0, help="of the counts; 0.1 is a tenth")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--write", action="store_true", help="put the table into docs/reliability.md"
    )
    given = parser.parse_args()
    console = Console(stderr=True)
    tallies: dict[str, Tally | None] = {}
    for name, counted, seconds in run(given.only, given.scale):
        tallies[name] = counted
        verdict = (
            "could not be counted" if counted is None else "exact" if counted.exact else "NOT exact"
        )
        console.print(f"{name}: {verdict}, {seconds:.0f} s")
    rows = [
        one.row() if one else [name, *("?" * (len(COLUMNS) - 1))] for name, one in tallies.items()
    ]
    if given.json:
        sys.stdout.write(
            json.dumps({n: one and asdict(one) for n, one in tallies.items()}, indent=2)
        )
    else:
        table = Table(*COLUMNS)
        for row in rows:
            table.add_row(*row)
        Console().print(table)
    if given.write:
        write(markdown(rows, "make chaos"))
    return 0 if all(one is not None and one.exact for one in tallies.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
