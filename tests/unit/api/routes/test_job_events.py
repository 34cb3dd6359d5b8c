"""Server-sent events of a job: which are sent and when, and that streams are counted and ended."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.responses.sse import EventStreams
from api.routes.events import HEARTBEAT, JobWatch
from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.errors import LedgerUnavailable, NotFound, QueueFull
from vitrine.core.types import FailureReason, JobStatus, StageTotal
from vitrine.ledger import Lease
from vitrine.testing.memory_ledger import MemoryLedger


def parsed(text: str) -> tuple[str, Any]:
    """Return the name and the data of one event."""
    name, data, end = text.split("\n", 2)
    assert (name[:7], data[:6], end) == ("event: ", "data: ", "\n")
    return name[7:], json.loads(data[6:])


def watched(
    stage: Stage, job: str, steps: list[Callable[[], object]], *, heartbeat: float = 1e9
) -> list[str]:
    """Return all events of a stream: one step runs after each look at the job, and the stream ends after the last."""
    streams = EventStreams()
    clock = itertools.count(step=2.0)
    watch = JobWatch(
        stage.ledger,
        job,
        streams,
        stage.query_client.in_stages,
        0.0,
        heartbeat,
        lambda: next(clock),
    )
    left: Iterator[Callable[[], object]] = iter([*steps, streams.end])
    progress = watch._progress

    def look() -> Any:
        try:
            return progress()
        finally:
            next(left, streams.end)()

    watch._progress = look  # type: ignore[method-assign]

    async def all_of_it() -> list[str]:
        return [text async for text in watch.events()]

    told = asyncio.run(all_of_it())
    assert streams._open == 0
    return told


def nothing() -> None:
    return


def test_progress_is_told_at_once_and_then_whenever_it_changed(stage: Stage) -> None:
    job = stage.job(images=3)
    done: list[FailureReason | None] = [None, FailureReason.TIMEOUT, None]
    told = [parsed(text) for text in watched(stage, job, [lambda: stage.finish(job, done)])]
    assert [name for name, _ in told] == ["progress", "progress"]
    first, last = told[0][1], told[1][1]
    assert (first["job"]["pending"], first["chunks"]) == (3, {"queued": 1, "leased": 0, "due": 0})
    assert (first["rate"], first["seconds_left"]) == (None, None)
    assert (last["job"]["embedded"], last["job"]["failed"], last["job"]["finished"]) == (2, 1, True)
    assert last["job"]["failed_by_reason"] == {"timeout": 1}


def test_pictures_are_told_by_stage_as_long_as_a_worker_has_some(stage: Stage) -> None:
    job = stage.job(images=3)
    stage.query_client.hands[job] = {"fetch": 2, "batch": 1}
    waiting, *_ = watched(stage, job, [nothing])
    assert set(parsed(waiting)[1]["in_stages"].values()) == {0}
    lease = stage.ledger.lease(job, 0, seconds=60)
    assert isinstance(lease, Lease)

    def finish() -> None:
        stages = {"fetch": StageTotal(3, 1.5), "batch": StageTotal(3, 0.03)}
        stage.ledger.finish(lease, embedded=[0, 1, 2], failures=[], stages=stages)

    told = [parsed(text)[1] for text in watched(stage, job, [finish])]
    assert told[0]["in_stages"] == {"fetch": 2, "decode": 0, "embed": 1, "upsert": 0}
    assert told[0]["job"]["stages"] == []
    assert set(told[-1]["in_stages"].values()) == {0}
    assert told[-1]["job"]["stages"] == [
        {"name": "fetch", "pictures": 3, "mean_ms": 500.0},
        {"name": "embed", "pictures": 3, "mean_ms": 10.0},
    ]


def test_rate_and_time_left_follow_from_what_was_seen(stage: Stage) -> None:
    job = stage.job(images=128)
    told = watched(stage, job, [lambda: stage.finish(job, [None] * 64), nothing])
    _, second = parsed(told[1])
    assert second["rate"] > 0
    assert second["seconds_left"] == pytest.approx(64 / second["rate"], rel=0.01)


def test_the_stream_ends_with_the_job(stage: Stage) -> None:
    job = stage.job(images=1)
    stage.finish(job, [None])
    (only,) = watched(stage, job, [nothing, nothing])
    assert parsed(only)[1]["job"]["state"] == "completed"


def test_nothing_is_told_twice_but_a_heartbeat_now_and_then(stage: Stage) -> None:
    job = stage.job(images=1)
    quiet = watched(stage, job, [nothing] * 10)
    # The second event has a rate, which the first cannot have yet.
    assert [parsed(text)[1]["rate"] for text in quiet] == [None, 0.0]
    lively = watched(stage, job, [nothing] * 10, heartbeat=3.0)
    assert lively.count(HEARTBEAT) > 1


def test_a_ledger_that_is_away_is_told_once_and_the_stream_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage.job(images=1)
    status = MemoryLedger.status

    def away(ledger: MemoryLedger, job: str) -> JobStatus:
        raise LedgerUnavailable("Redis does not answer.")

    told = watched(
        stage, job,
        [
            lambda: monkeypatch.setattr(MemoryLedger, "status", away),
            nothing, nothing,
            lambda: monkeypatch.setattr(MemoryLedger, "status", status),
        ],
    )  # fmt: skip
    events = [parsed(text) for text in told]
    assert [name for name, _ in events] == ["progress", "problem", "progress"]
    assert events[1][1]["code"] == "ledger_unavailable"


def test_a_job_that_is_forgotten_meanwhile_ends_the_stream(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage.job(images=1)

    def gone(ledger: MemoryLedger, job: str) -> JobStatus:
        raise NotFound(f"There is no job {job}.")

    told = watched(
        stage, job, [lambda: monkeypatch.setattr(MemoryLedger, "status", gone), nothing, nothing]
    )
    assert parsed(told[-1])[1]["code"] == "not_found"
    assert len(told) == 2


def test_the_route_streams_events_that_no_proxy_keeps(stage: Stage) -> None:
    job = stage.job(images=1)
    stage.finish(job, [None])
    answer = stage.client.get(f"/v1/jobs/{job}/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert parsed(answer.text)[1]["job"]["id"] == job


def test_an_unknown_job_is_a_404_before_any_stream(stage: Stage) -> None:
    problem_of(stage.client.get("/v1/jobs/nosuch/events"), 404, "not_found")


def test_one_stream_more_than_there_may_be_is_refused(stage: Stage) -> None:
    job = stage.job(images=1)
    stage.app.state.streams = EventStreams(most=0)
    answer = stage.client.get(f"/v1/jobs/{job}/events")
    assert "GET /v1/jobs/JOB" in problem_of(answer, 429, "full")["hint"]
    assert answer.headers["retry-after"] == "5"


def test_a_place_is_given_back_however_the_stream_ends() -> None:
    streams = EventStreams(most=1)

    def fail_within() -> None:
        with streams.place():
            with pytest.raises(QueueFull):
                streams.refuse_when_full()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    streams.refuse_when_full()
