"""The results of `make chaos`, fault by fault, and the table in docs/reliability.md generated from them.

Each row is saved as soon as its fault is counted (docs/measured/chaos.json), so an interrupted run can be resumed, and
one fault can be repeated alone.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.harness.tally import Tally
from tests.faults.long_runs import NotPossible

ROOT = Path(__file__).resolve().parents[3]
BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
COLUMNS = (
    "fault", "times", "in", "out", "lost", "wrong", "doubled", "fetched again", "recovery s, median",
    "worst", "limit: measured",
)  # fmt: skip
UNCOUNTED = "could not be counted"


@dataclass(frozen=True)
class Page:
    """The document with the table, and the file with its rows."""

    document: Path = ROOT / "docs" / "reliability.md"
    kept: Path = ROOT / "docs" / "measured" / "chaos.json"

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the saved rows by fault name."""
        found: dict[str, dict[str, Any]] = (
            json.loads(self.kept.read_text()) if self.kept.exists() else {}
        )
        return found

    def keep(
        self, name: str, ended: Tally | NotPossible | None, *, seconds: float, scale: float
    ) -> None:
        """Save a fault's row; None means that it could not be counted."""
        rows = self.rows()
        counted = ended if isinstance(ended, Tally) else None
        rows[name] = {
            "row": counted.row() if counted else [name, UNCOUNTED, *[""] * (len(COLUMNS) - 2)],
            "exact": counted is not None and counted.exact,
            "kept": counted is not None and counted.kept,
            "left_out": str(ended) if isinstance(ended, NotPossible) else None,
            "date": time.strftime("%Y-%m-%d"),
            "seconds": round(seconds),
            "scale": scale,
            "machine": machine(),
        }
        self.kept.parent.mkdir(exist_ok=True)
        self.kept.write_text(json.dumps(rows, indent=1) + "\n")

    def done(self, name: str, scale: float) -> bool:
        """Return whether a fault was already counted at this scale or above, with its promises kept."""
        row = self.rows().get(name)
        return row is not None and row["kept"] and row["scale"] >= scale

    def write(self, order: Sequence[str]) -> None:
        """Write the table between the document's markers, with the faults in this order."""
        rows = self.rows()
        text = markdown([{"name": name, **rows[name]} for name in order if name in rows])
        before, rest = self.document.read_text().split(BEGIN)
        _, after = rest.split(END)
        self.document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def machine() -> str:
    """Describe this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Format the table, followed by notes on faults that were not run in full."""
    if not rows:
        return "Not run yet."
    dates = sorted({row["date"] for row in rows})
    machines = " and ".join(sorted({row["machine"] for row in rows}))
    minutes = sum(row["seconds"] for row in rows) / 60
    lines = [
        f"Measured with `make chaos` on {' to '.join(dict.fromkeys((dates[0], dates[-1])))}, in {minutes:.0f} minutes: {machines}.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" + "---:|" * (len(COLUMNS) - 1),
        *("| " + " | ".join(row["row"]) + " |" for row in rows if row["left_out"] is None),
    ]
    return "\n".join([*lines, *_notes(rows)])


def _notes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """List faults that were run in part, were left out, or broke a promise."""
    said = {
        "Run at a reduced scale": [
            f"{row['row'][0]} ({row['scale']:g})" for row in rows if row["scale"] != 1
        ],
        "Not possible on this machine": [
            f"{row['name']} ({row['left_out']})" for row in rows if row["left_out"]
        ],
        "Missed a limit": [
            row["row"][0] for row in rows if not row["kept"] and not row["left_out"]
        ],
    }
    return [f"\n{what}: {', '.join(names)}." for what, names in said.items() if names]
