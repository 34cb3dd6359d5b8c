"""The display of `vitrine top`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from vitrine.cli.top.view import TopScreen, bar, duration, overview_json, size
from vitrine.core.types import JobSpec, JobState, JobStatus
from vitrine.messaging.broker import QueueDepth
from vitrine.messaging.overview import ServiceOverview
from vitrine.messaging.worker_registry import StoreOutage, WorkerInfo
from vitrine.messaging.worker_stats import WorkerStats

WORKER = WorkerInfo(
    node="clip.cuda-0.7@gpu1", model="clip", revision="r", policy="p", dimension=512,
    device="cuda:0", supports_text=True, pid=7, started_at=0.0,
)  # fmt: skip
VITALS = WorkerStats(WORKER.node, 5000, 7, 812.3, 12.5, 8.1e7, 0.97, 63.5, 12, 3_400_000_000)


def job(done: int, of: int, *, state: JobState = JobState.RUNNING, failed: int = 0) -> JobStatus:
    return JobStatus(
        spec=JobSpec("c5120fd647bb", "summer", "clip"), state=state, items=of, images=of,
        embedded=done - failed, failed=failed, cancelled=0, rejected_rows=0, failed_by_reason={},
        fed_at=0.0, updated_at=0.0, finished_at=None,
    )  # fmt: skip


FOUND = ServiceOverview(
    at=1000.0, workers=[(WORKER, VITALS)], queues=[QueueDepth("clip", 1200, 3)],
    jobs=[job(41_300, 100_000, failed=300)], active=1, pending=58_700,
)  # fmt: skip


def text(screen: TopScreen, found: ServiceOverview) -> list[str]:
    console = Console(width=160, color_system=None)
    with console.capture() as capture:
        console.print(screen.drawn(found))
    return capture.get().splitlines()


def line(lines: list[str], beginning: str) -> list[str]:
    [found] = [line for line in lines if line.startswith(beginning)]
    return found.split()


def test_the_head_sums_the_workers_up_and_says_how_long_it_will_take() -> None:
    other = (replace(WORKER, node="b"), replace(VITALS, node="b"))
    head = text(TopScreen(), replace(FOUND, workers=[*FOUND.workers, other]))[0]
    assert "1,625 pictures/s" in head
    assert "25.0 queries/s" in head
    assert "162 MB/s" in head
    assert "1 active job, 58,700 pictures pending, 36 s left" in head


def test_a_worker_is_a_line_of_figures() -> None:
    cells = line(text(TopScreen(), FOUND), WORKER.node)
    assert cells[1:] == [
        "clip", "cuda:0", "97%", "812.3", "12.5", "64", "12", "5,000", "7", "3.4", "GB",
    ]  # fmt: skip


def test_a_worker_that_told_nothing_lately_is_shown_without_figures() -> None:
    cells = line(text(TopScreen(), replace(FOUND, workers=[(WORKER, None)])), WORKER.node)
    assert cells[3:] == ["-"] * 8


def test_a_worker_whose_store_is_away_says_so() -> None:
    away = replace(WORKER, store_away=StoreOutage(0.0, "it answered 503"))
    assert "store unreachable" in " ".join(
        line(text(TopScreen(), replace(FOUND, workers=[(away, None)])), "clip.")
    )


def test_a_jobs_rate_is_between_two_looks() -> None:
    screen = TopScreen()
    first = line(text(screen, FOUND), "c5120fd647bb")
    later = replace(FOUND, at=1002.0, jobs=[job(42_900, 100_000, failed=300)])
    second = line(text(screen, later), "c5120fd647bb")
    assert first[3:8] == ["████░░░░░░░░", "41%", "41,300", "100,000", "300"]
    assert "800.0" not in first
    assert second[8] == "800.0"


def test_after_a_while_without_redis_no_rate_is_made_up() -> None:
    screen = TopScreen()
    text(screen, FOUND)
    screen.away("Redis does not answer.")
    later = replace(FOUND, at=1002.0, jobs=[job(42_900, 100_000)])
    assert "800.0" not in line(text(screen, later), "c5120fd647bb")


def test_an_empty_service_says_what_to_do() -> None:
    shown = "\n".join(text(TopScreen(), ServiceOverview(1.0, [], [], [], 0, 0)))
    assert "start one: vitrine worker" in shown
    assert "no jobs" in shown


def test_a_catalogs_name_cannot_move_the_cursor() -> None:
    odd = replace(job(1, 2), spec=JobSpec("c5120fd647bb", "su\x1b[2Jmmer", "clip"))
    assert "\x1b" not in "\n".join(text(TopScreen(), replace(FOUND, jobs=[odd])))


def test_a_program_gets_the_same_as_json() -> None:
    told = overview_json(FOUND)
    assert told["workers"][0]["vitals"]["embedded"] == 5000
    assert told["queues"] == [{"model": "clip", "chunks": 1200, "queries": 3}]
    assert told["jobs"][0]["images"] == 100_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (59.6, "1 min 00 s")],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (81e6, "81 MB"), (2e15, "2000 TB")],
)
def test_bytes_are_told_in_thousands(count: float, words: str) -> None:
    assert size(count) == words


def test_a_bar_is_as_full_as_the_job() -> None:
    assert [bar(0, 0), bar(0, 4), bar(4, 4)] == ["", "░" * 12 + "   0%", "█" * 12 + " 100%"]
