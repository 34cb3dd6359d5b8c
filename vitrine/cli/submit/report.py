"""The report on a catalog's rows, for people and programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from producer import Catalog, CatalogReport
from producer.presets import PRESETS
from vitrine.cli.common.output import console, counted, escape_text, say
from vitrine.cli.jobs.view import by_count
from vitrine.core.broken_off import broken_off_notice, is_break
from vitrine.core.types import JobSpec

SHOWN_TO_PEOPLE = 10
SHOWN_TO_PROGRAMS = 100


def report_json(
    report: CatalogReport, catalog: Catalog, collection: str | None, spec: JobSpec | None = None
) -> dict[str, Any]:
    """Return the counts, the columns used and the first 100 problems (and where the file broke off); `job` is null in a dry run."""
    columns = catalog.columns
    return {
        "job": None if spec is None else spec.id,
        "collection": collection,
        "model": None if spec is None else spec.model,
        "source": catalog.name,
        "format": None if catalog.format is None else str(catalog.format),
        "preset": catalog.preset,
        "grouped": catalog.grouped,
        "notes": catalog.notes(),
        "columns": {
            "id": columns.id,
            "images": list(columns.images),
            "payload": catalog.payload,
        },
        "rows": report.rows,
        "items": report.items,
        "images": report.images,
        "chunks": report.chunks,
        "rejected_rows": report.rejected_rows,
        "rejected_by_code": dict(report.problems_by_code),
        "broken_off": None if report.broken_off is None else asdict(report.broken_off),
        "problems": [asdict(problem) for problem in report.first_problems(SHOWN_TO_PROGRAMS)],
    }


def print_report(report: CatalogReport, catalog: Catalog) -> None:
    """Print problems to stderr and counts to stdout."""
    _print_problems(report)
    out = console()
    out.print(escape_text(_how_it_was_read(catalog)), soft_wrap=True)
    for note in catalog.notes():
        out.print(escape_text(f"note: {note}"), soft_wrap=True)
    if catalog.payload:
        told = ", ".join(f"{name} {kind}" for name, kind in catalog.payload.items())
        out.print(escape_text(f"payload: {told}"), soft_wrap=True)
    out.print(
        escape_text(f"rows {report.rows:,}, items {report.items:,}, pictures {report.images:,}")
    )
    if report.rejected_rows:
        codes = by_count(report.problems_by_code)
        out.print(escape_text(f"rejected rows {report.rejected_rows:,}: {codes}"), soft_wrap=True)


def _print_problems(report: CatalogReport) -> None:
    first = [row for row in report.problems if not is_break(row)][:SHOWN_TO_PEOPLE]
    for problem in first:
        say(problem)
    broken_off = report.broken_off
    unshown = report.rejected_rows - len(first) - (broken_off is not None)
    if unshown > 0:
        say(f"… and {counted(unshown, 'more rejected row')}.")
    if broken_off is not None:
        say(f"{broken_off.source}: {broken_off_notice(broken_off)}")


def _how_it_was_read(catalog: Catalog) -> str:
    columns = catalog.columns
    platform = "" if catalog.preset is None else f"{PRESETS[catalog.preset].title}; "
    merged = f"; rows with one {columns.id} are one item" if catalog.grouped else ""
    return f"{catalog.name}: {platform}id from {columns.id}, pictures from {', '.join(columns.images)}{merged}"
