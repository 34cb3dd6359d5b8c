"""The screen of `vitrine top`: a header, workers, queues, jobs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vitrine.cli.common.output import counted, escape_text
from vitrine.cli.jobs.view import short_state, status_json, time_ago
from vitrine.core.types import JobStatus
from vitrine.messaging.overview import ServiceOverview
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.messaging.worker_stats import WorkerStats

BAR = 12
"""Cells of a job's bar."""
_UNITS = ("B", "KB", "MB", "GB", "TB")


def overview_json(found: ServiceOverview) -> dict[str, Any]:
    """Return the overview as JSON for programs."""
    return {
        "at": found.at,
        "active_jobs": found.active,
        "pending_images": found.pending,
        "workers": [
            {
                "node": worker.node,
                "model": worker.model,
                "device": worker.device,
                "store_away": worker.store_away.sentence() if worker.store_away else None,
                "vitals": asdict(told) if told else None,
            }
            for worker, told in found.workers
        ],
        "queues": [depth._asdict() for depth in found.queues],
        "jobs": [status_json(job) for job in found.jobs],
    }


class TopScreen:
    """Draws successive overviews; the rates of jobs are computed from the last two."""

    def __init__(self) -> None:
        self._before: tuple[float, dict[str, int]] | None = None

    def drawn(self, found: ServiceOverview) -> RenderableType:
        """Return the full screen, for a terminal or a pipe."""
        rates = self._rates(found)
        parts = [_head(found), _workers(found.workers), _queues(found), _jobs(found.jobs, rates)]
        return Group(*(part for part in parts if part is not None))

    def away(self, why: str) -> RenderableType:
        """Return the screen for an unreachable Redis."""
        self._before = None
        return escape_text(f"{why} Retrying; press q to quit.")

    def _rates(self, found: ServiceOverview) -> dict[str, float]:
        done = {job.spec.id: job.images - job.pending for job in found.jobs}
        before, self._before = self._before, (found.at, done)
        if before is None or found.at <= before[0]:
            return {}
        seconds = found.at - before[0]
        return {
            job: max(0, count - before[1][job]) / seconds
            for job, count in done.items()
            if job in before[1]
        }


def _head(found: ServiceOverview) -> Text:
    told = [vitals for _, vitals in found.workers if vitals]
    rate = sum(vitals.images_per_second for vitals in told)
    queries = sum(vitals.queries_per_second for vitals in told)
    arriving = size(sum(vitals.bytes_per_second for vitals in told))
    left = f", {duration(found.pending / rate)} left" if rate and found.pending else ""
    clock = time.strftime("%H:%M:%S", time.localtime(found.at))
    return Text(
        f"vitrine {clock}   {rate:,.0f} pictures/s   {queries:,.1f} queries/s   {arriving}/s   "
        f"{counted(found.active, 'active job')}, {counted(found.pending, 'picture')} pending{left}\n",
        style="bold",
    )


def _table(*headings: str, numbers: Sequence[str] = ()) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="reverse", expand=True
    )
    for heading in headings:
        right = heading in numbers
        table.add_column(
            heading, justify="right" if right else "left", no_wrap=True, ratio=None if right else 1
        )
    return table


def _workers(workers: Sequence[tuple[WorkerInfo, WorkerStats | None]]) -> RenderableType:
    if not workers:
        return Text("no worker is running; start one: vitrine worker\n", style="red")
    figures = ("busy", "img/s", "qry/s", "batch", "chunks", "done", "failed", "mem")
    table = _table("worker", "model", "device", *figures, numbers=figures)
    for worker, told in workers:
        name = escape_text(worker.node)
        if worker.store_away:
            name.append("  store unreachable", style="red")
        table.add_row(name, escape_text(worker.model), escape_text(worker.device), *_figures(told))
    return Group(table, Text())


def _figures(told: WorkerStats | None) -> list[str]:
    if told is None:
        return ["-"] * 8
    return [
        f"{told.device_busy:.0%}", f"{told.images_per_second:,.1f}", f"{told.queries_per_second:,.1f}",
        f"{told.batch_size:.0f}", str(told.chunks), f"{told.embedded:,}", f"{told.failed:,}",
        size(told.memory_bytes),
    ]  # fmt: skip


def _queues(found: ServiceOverview) -> RenderableType | None:
    if not found.queues:
        return None
    table = _table("queue", "chunks", "queries", numbers=("chunks", "queries"))
    for depth in found.queues:
        table.add_row(escape_text(depth.model), f"{depth.chunks:,}", f"{depth.queries:,}")
    return Group(table, Text())


def _jobs(jobs: Sequence[JobStatus], rates: dict[str, float]) -> RenderableType:
    if not jobs:
        return Text("no jobs")
    figures = ("done", "of", "failed", "img/s")
    table = _table("job", "collection", "state", "progress", *figures, "began", numbers=figures)
    for job in jobs:
        done = job.images - job.pending
        rate = rates.get(job.spec.id)
        table.add_row(
            job.spec.id, escape_text(job.spec.collection), short_state(job.state), bar(done, job.images),
            f"{done:,}", f"{job.images:,}", Text(f"{job.failed:,}", style="red" if job.failed else ""),
            "" if rate is None or job.state.finished else f"{rate:,.1f}", time_ago(job.spec.created_at),
        )  # fmt: skip
    return table


def bar(done: int, total: int) -> str:
    """Return a bar such as `█████░░░░░░░  41%`; empty for a job without pictures."""
    if not total:
        return ""
    full = BAR * done // total
    return f"{'█' * full}{'░' * (BAR - full)} {done / total:4.0%}"


def size(count: float) -> str:
    """Format bytes in decimal units: `1.5 MB`."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"


def duration(seconds: float) -> str:
    """Format seconds as `2 h 05 min`, `3 min 20 s` or `45 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"
