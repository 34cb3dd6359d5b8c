"""The report that every benchmark produces: machine, versions, figures, and goals.

::

    report = Report("fetch")
    report.spread("pictures_per_s", series)        # the median, and its _low and _high
    report.figure("vs_requests", 5.1)
    report.goal("vs_requests", ">=", 2)
    report.skip("cuda", "this machine has no GPU")
    report.show(as_json=given.json)

A missed goal is reported and fails nothing: benchmarks report, tests judge. Anything that could not be measured here
is listed with the reason, and its goal has no figure.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from operator import ge, gt, le, lt
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.interleave import Spread
from benchmarks.machine import machine, versions

RELATIONS: dict[str, Callable[[float, float], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt}
DIGITS = 4
"""Significant digits of a figure; its noise is larger than this rounding."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure's goal, and its measured value."""

    name: str  #: The figure's name.
    goal: str  #: `>= 0.95`
    figure: float | None  #: None if it was not measured, see `Report.skipped`.
    met: bool | None


class Report:
    """One benchmark's results, collected while it runs."""

    def __init__(self, name: str) -> None:
        self.name = name  #: The benchmark's name.
        self.figures: dict[str, float] = {}
        self.skipped: dict[str, str] = {}  #: What was not measured, with the reason.
        self.notes: dict[
            str, str
        ] = {}  #: Other information needed to read the figures: the pictures' source, a chosen size.
        self._bounds: list[tuple[str, str, float]] = []

    def figure(self, name: str, value: float) -> None:
        """Record a figure. Its name ends with its unit (`cpu_ms_per_picture`); a plain ratio has none."""
        if not math.isfinite(value):
            raise ValueError(f"the figure {name} is {value}")
        self.figures[name] = float(f"{value:.{DIGITS}g}")

    def spread(self, name: str, series: Sequence[float] | Spread) -> Spread:
        """Record a series, or its summary, as three figures: NAME (the median), NAME_low and NAME_high."""
        found = series if isinstance(series, Spread) else Spread.of(series)
        self.figure(name, found.median)
        self.figure(f"{name}_low", found.low)
        self.figure(f"{name}_high", found.high)
        return found

    def goal(self, name: str, relation: str, bound: float) -> None:
        """Set the goal of the figure `name`, before or after it is measured: `>=`, `<=`, `>` or `<`."""
        if relation not in RELATIONS:
            raise ValueError(f"a goal's relation is one of {', '.join(RELATIONS)}")
        self._bounds.append((name, relation, bound))

    def skip(self, name: str, reason: str) -> None:
        """Record something that was not measured, with the reason."""
        self.skipped[name] = reason

    def note(self, name: str, text: str) -> None:
        """Record text that is needed to read the figures."""
        self.notes[name] = text

    @property
    def goals(self) -> list[Goal]:
        """Every goal with its figure."""
        return [self._judged(*bound) for bound in self._bounds]

    def _judged(self, name: str, relation: str, bound: float) -> Goal:
        figure = self.figures.get(name)
        met = None if figure is None else RELATIONS[relation](figure, bound)
        return Goal(name, f"{relation} {bound:g}", figure, met)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {
            "benchmark": self.name,
            "machine": machine(),
            "versions": versions(),
            "figures": self.figures,
            "goals": [asdict(goal) for goal in self.goals],
            "skipped": self.skipped,
            "notes": self.notes,
        }

    def show(self, *, as_json: bool) -> None:
        """Print the report as one JSON object, or as tables for a person."""
        if as_json:
            print(json.dumps(self.as_dict(), indent=2))
            return
        console = Console()
        console.print(", ".join(f"{key} {value}" for key, value in machine().items()))
        console.print(_figures_table(self.figures))
        if self.goals:
            console.print(_goals_table(self.goals))
        for name, text in self.notes.items():
            console.print(f"{name}: {text}", markup=False)
        for name, reason in self.skipped.items():
            console.print(f"skipped: {name}: {reason}", markup=False)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark: `--json`, and `--quick` to check that it runs."""
    options = argparse.ArgumentParser(description=(doc or "").split("\n")[0])
    options.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options.add_argument(
        "--quick", action="store_true", help="a few seconds: shows that it runs, its figures mean nothing"
    )  # fmt: skip
    return options


def shown(figure: float) -> str:
    """Format a figure for people: four digits, or all digits before the decimal point."""
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.{DIGITS}g}"


def _figures_table(figures: dict[str, float]) -> Table:
    table = Table("figure", "value", box=None)
    for name, value in figures.items():
        table.add_row(name, shown(value))
    return table


def _goals_table(goals: list[Goal]) -> Table:
    table = Table("goal", "", "figure", "", box=None)
    for one in goals:
        figure = "not measured" if one.figure is None else shown(one.figure)
        table.add_row(one.name, one.goal, figure, {True: "met", False: "MISSED", None: ""}[one.met])
    return table
