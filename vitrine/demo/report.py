"""The demo's result, as one JSON object or as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.panel import Panel
from rich.table import Table


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The counts and measurements of one run.

    `embedded + sum(failed) == images`; a rejected row counts as an item with one picture.
    """

    items: int
    images: int
    embedded: int
    failed: dict[str, int]  #: By reason, and rejected rows by the producer's code.
    seconds: float  #: From the creation of the job to its last outcome.
    images_per_s: float
    search_p50_ms: float | None
    neighbour_precision: float | None  #: None if the catalog has no pattern and colour.

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return asdict(self)


def make_report(
    job: dict[str, Any], *, search_p50_ms: float | None, precision: float | None
) -> DemoReport:
    """Build the report from a finished job, as printed by `submit --json`, and the measurements of search."""
    rejected = int(job["rejected_rows"])
    failed: dict[str, int] = {**job["failed_by_reason"], **job["rejected_by_code"]}
    seconds = max(job["finished_at"] - job["created_at"], 0.001)
    return DemoReport(
        items=job["items"] + rejected,
        images=job["images"] + rejected,
        embedded=job["embedded"],
        failed=failed,
        seconds=round(seconds, 3),
        images_per_s=round(job["embedded"] / seconds, 1),
        search_p50_ms=None if search_p50_ms is None else round(search_p50_ms, 2),
        neighbour_precision=None if precision is None else round(precision, 4),
    )


def render_report(report: DemoReport, *, picture_ms: float | None, item_ms: float | None) -> Panel:
    """Render the report as a panel, with the median times of search by picture and by item, if known."""
    grid = Table.grid(padding=(0, 3))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_column()
    grid.add_row("catalog", f"{report.images:,}", f"pictures of {report.items:,} items")
    grid.add_row("embedded", f"[bold green]{report.embedded:,}[/]", f"in {report.seconds:.1f} s")
    grid.add_row("", f"{report.images_per_s:,.0f}", "pictures per second")
    for number, (reason, count) in enumerate(sorted(report.failed.items())):
        grid.add_row("" if number else "failed", f"[yellow]{count:,}[/]", reason)
    for kind, took in (("picture", picture_ms), ("item", item_ms)):
        if took is not None:
            grid.add_row("search p50", f"{took:.1f}", f"ms by {kind}, over HTTP")
    if report.neighbour_precision is not None:
        share = f"[bold]{report.neighbour_precision:.0%}[/]"
        grid.add_row("neighbours", share, "of the top 5 share pattern and colour")
    return Panel(grid, title="vitrine demo", expand=False, padding=(1, 2))
