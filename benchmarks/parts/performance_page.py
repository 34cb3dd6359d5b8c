"""Render docs/performance.md from the benchmarks' results: all goals with their figures, each benchmark, the profiles.

Everything is generated except the text between `<!-- why:NAME -->` and `<!-- /why:NAME -->`: there a person explains why a
goal was missed or what a figure means, and a rerun preserves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report import shown

BENCHMARKS = {
    "pipeline": "End to end",
    "preprocess": "Decoding and scaling",
    "embedders": "Embedders",
    "latency": "Query latency",
    "embed": "Embeddings over HTTP",
    "load": "Load over HTTP",
    "scale": "Cost per item at every size",
    "catalog": "Reading a catalog",
    "fetch": "Fetching",
    "store": "The embedded store",
    "upsert": "Upserts to a server",
    "index": "Building the index",
    "memory": "Memory",
    "gil": "Waiting for the GIL",
    "gpu": "On a GPU",
}
"""The benchmarks by module name, in the page's order."""
_HEAD = """\
# Performance

`make bench` writes this page from docs/measured, which has every figure; only the explanations below each table are written by hand. A figure is
the median of several rounds, which alternate with the rounds of whatever it is compared with; a ratio is taken within each round. Use the figures
to compare, not to quote: another machine gives other numbers.
"""
HEADLINES = 3
"""Figures of a benchmark to show in addition to those with a goal; docs/measured has all."""
PROFILE_ROWS = 5
"""Stages and functions of a profile to show."""
_MET = {True: "met", False: "**missed**", None: "not measured"}
_WHY = re.compile(r"<!-- why:(\w+) -->\n(.*?)\n?<!-- /why:\1 -->", re.DOTALL)
_SPREADS = ("_low", "_high")

Kept = Mapping[str, Any]


def page(kept: Kept, *, before: str = "") -> str:
    """Render the page from the results by benchmark. `before` is the current page, whose written parts are kept."""
    whys = dict(_WHY.findall(before))
    parts = [_HEAD, *_goals(kept)]
    for name, title in BENCHMARKS.items():
        if name in kept:
            parts += _section(name, title, kept[name], whys.get(name, ""))
    parts += _profiles(kept, whys.get("profile", ""))
    return "\n".join(parts) + "\n"


def _goals(kept: Kept) -> Iterator[str]:
    yield "## Goals\n"
    yield "| Benchmark | Figure | Goal | Measured | |\n|---|---|---|---|---|"
    for name in BENCHMARKS:
        for goal in kept[name]["report"]["goals"] if name in kept else ():
            figure = _number(goal["figure"])
            yield f"| [{name}](#{_anchor(name)}) | `{goal['name']}` | {goal['goal']} | {figure} | {_MET[goal['met']]} |"
    absent = [name for name in BENCHMARKS if name not in kept]
    if absent:
        yield f"\nNot run yet: {', '.join(absent)}."
    yield ""


def _anchor(name: str) -> str:
    return BENCHMARKS[name].lower().replace(" ", "-")


def _section(name: str, title: str, result: Mapping[str, Any], why: str) -> Iterator[str]:
    report = result["report"]
    yield f"## {title}\n"
    yield f"`{result['command']}`, {result['date']}, {result['minutes']} minutes, on {_described(report)}. [All figures](measured/{name}.json).\n"
    for what, text in report.get("notes", {}).items():
        yield f"- {what}: {text}"
    for what, reason in report.get("skipped", {}).items():
        yield f"- **skipped** {what}: {reason}"
    rows = [*_figures(report["figures"], {goal["name"] for goal in report["goals"]})]
    rows.sort(key=lambda row: row.endswith("|  |  |"))  # figures measured over rounds first
    if rows:
        apart = "\n" if report.get("notes") or report.get("skipped") else ""
        yield f"{apart}| Figure | Median | Lowest | Highest |\n|---|---|---|---|"
        yield from rows[:HEADLINES]
    yield f"\n<!-- why:{name} -->\n{why}\n<!-- /why:{name} -->\n"


def _figures(figures: Mapping[str, float], goals: set[str]) -> Iterator[str]:
    """Yield a row for each figure without a goal, with its spread."""
    for name, value in figures.items():
        if name in goals:
            continue
        stem = name.removesuffix(_SPREADS[0]).removesuffix(_SPREADS[1])
        if stem != name and stem in figures:
            continue
        low, high = (_number(figures.get(name + end), absent="") for end in _SPREADS)
        yield f"| `{name}` | {_number(value)} | {low} | {high} |"


def _profiles(kept: Kept, why: str) -> Iterator[str]:
    """Render the profile of a worker's CPU, before and after if both are stored."""
    found = {name: kept[name]["report"] for name in ("profile_before", "profile") if name in kept}
    if not found:
        return
    columns = {"profile_before": "Before", "profile": "Now"}
    yield "## Where a worker's CPU goes\n"
    for name, report in found.items():
        yield (
            f"- {columns[name]}: `{kept[name]['command']}`, {kept[name]['date']}: {report['pictures']} pictures in "
            f"{report['seconds']} s, **{report['cpu_ms_per_picture']} ms of CPU per picture**, on {_described(report)}"
        )
    yield "\nMilliseconds of CPU per picture: py-spy's samples of running threads, as shares of the process's CPU.\n"
    for title in ("stages", "functions"):
        yield f"| {title[:-1].capitalize()} | {' | '.join(columns[name] for name in found)} |"
        yield "|---" * (len(found) + 1) + "|"
        yield from _columns([report[title] for report in found.values()])
        yield ""
    yield f"<!-- why:profile -->\n{why}\n<!-- /why:profile -->"


def _columns(tables: list[dict[str, float]]) -> Iterator[str]:
    """Yield rows by name, largest first; a cell is empty if a table has no such row."""
    names = dict.fromkeys(name for table in tables for name in table)
    largest = sorted(names, key=lambda one: -max(table.get(one, 0.0) for table in tables))
    for name in largest[:PROFILE_ROWS]:
        cells = (f"{table[name]:.2f}" if name in table else "" for table in tables)
        yield f"| {name} | {' | '.join(cells)} |"


def _described(report: Mapping[str, Any]) -> str:
    here = report["machine"]
    gpu = f", {here['gpu']}" if "gpu" in here else ""
    versions = report.get("versions", {})
    software = ", ".join(
        f"{name} {versions[name]}" for name in ("python", "torch") if name in versions
    )
    return f"{here['cores']} cores of {here['cpu']}, {here['memory_gib']} GiB{gpu}" + (
        f" ({software})" if software else ""
    )


def _number(value: float | None, *, absent: str = "not measured") -> str:
    return absent if value is None else shown(value)
