"""The full fault suite: `make chaos`, or `python -m tests.faults.chaos [--only WORD] [--scale 1.0] [--json]`.

Runs every fault often enough to trust the result, and prints a table of the counts and of each promise with its
measured value. `--write` stores each row, with the machine, in docs/reliability.md; `--missing` resumes an interrupted
run. The exit code is 1 if a count was not exact or a promise was not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

from tests.faults.harness.report_page import COLUMNS, Page
from tests.faults.harness.tally import Tally
from tests.faults.long_runs import FAULTS, NotPossible

Ended: TypeAlias = Tally | NotPossible | None
"""The result of a fault, or None if it could not be counted."""


def run(names: Sequence[str], scale: float) -> Iterator[tuple[str, Ended, float]]:
    """Run the named faults; yield each name, result and duration in seconds."""

    def much(count: int) -> int:
        return max(1, round(count * scale))

    for name in names:
        began = time.monotonic()
        ended: Ended
        with tempfile.TemporaryDirectory() as folder:
            try:
                ended = FAULTS[name](Path(folder), much)
            except NotPossible as reason:
                ended = reason
            except Exception:  # noqa: BLE001 - one fault that cannot be counted shall not hide the others
                traceback.print_exc()
                ended = None
        yield name, ended, time.monotonic() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="run only faults whose name contains this")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply every count by this")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--write",
        action="store_true",
        help="save each row, and write the table into docs/reliability.md",
    )
    parser.add_argument(
        "--missing", action="store_true", help="skip faults already measured at this scale"
    )
    return parser.parse_args()


def main() -> int:
    """Run the faults, print the results, and write them if requested."""
    given, page = _arguments(), Page()
    names = [name for name in FAULTS if given.only in name]
    if given.missing:
        names = [name for name in names if not page.done(name, given.scale)]
    ends: dict[str, Ended] = {}
    for name, ended, seconds in run(names, given.scale):
        ends[name] = ended
        Console(stderr=True).print(f"{name}: {_verdict(ended)}, {seconds:.0f} s", markup=False)
        if given.write:
            page.keep(name, ended, seconds=seconds, scale=given.scale)
            page.write(list(FAULTS))
    _show(ends, as_json=given.json)
    return 0 if all(_good(one) for one in ends.values()) else 1


def _good(ended: Ended) -> bool:
    return isinstance(ended, NotPossible) or (ended is not None and ended.kept)


def _verdict(ended: Ended) -> str:
    if ended is None:
        return "could not be counted"
    if isinstance(ended, NotPossible):
        return f"not possible here: {ended}"
    missed = [str(promise) for promise in ended.promises if not promise.kept]
    exact = "exact" if ended.exact else f"NOT exact: {ended.lost} lost, {ended.wrong} wrong"
    return "; ".join([exact, *missed])


def _show(ends: Mapping[str, Ended], *, as_json: bool) -> None:
    if as_json:
        shown = {n: asdict(one) if isinstance(one, Tally) else None for n, one in ends.items()}
        sys.stdout.write(json.dumps(shown, indent=2))
        return
    # The promises are too long for a terminal's column, so they are printed below the table.
    console, table = Console(), Table(*COLUMNS[:-1])
    for name, one in ends.items():
        table.add_row(*(one.row()[:-1] if isinstance(one, Tally) else [name, _verdict(one)]))
    console.print(table, markup=False)
    for one in ends.values():
        if isinstance(one, Tally):
            for promise in one.promises:
                console.print(f"{one.row()[0]}: {promise}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
