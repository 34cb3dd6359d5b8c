from __future__ import annotations

from collections.abc import Iterable

import pytest

from api.routes import failure_summary
from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.types import FailureReason
from vitrine.testing.memory_ledger import MemoryLedger

NOT_FOUND, TIMEOUT = FailureReason.NOT_FOUND, FailureReason.TIMEOUT


def failing(stage: Stage, reasons: Iterable[FailureReason | None]) -> str:
    """Run a job whose pictures, alternately on h0.example and h1.example, have these outcomes; return its id."""
    listed = list(reasons)
    job = stage.job(images=len(listed))
    stage.finish(job, listed)
    return job


def test_failures_are_grouped_by_reason_and_host_the_largest_first(stage: Stage) -> None:
    job = failing(stage, [NOT_FOUND, TIMEOUT, NOT_FOUND, None, TIMEOUT])
    body = stage.client.get(f"/v1/jobs/{job}/failures/summary").json()
    assert (body["failed"], body["counted"], body["more_groups"]) == (4, 4, 0)
    groups = [(each["reason"], each["host"], each["pictures"]) for each in body["groups"]]
    assert groups == [
        ("not_found", "h0.example", 2),
        ("timeout", "h0.example", 1),
        ("timeout", "h1.example", 1),
    ]
    assert [each["transient"] for each in body["groups"]] == [False, True, True]
    assert body["groups"][0]["url"] == "https://h0.example/0.jpg"
    assert body["groups"][0]["detail"] == "detail of i0"


def test_a_job_without_failures_has_no_groups(stage: Stage) -> None:
    job = failing(stage, [None])
    assert stage.client.get(f"/v1/jobs/{job}/failures/summary").json()["groups"] == []


def test_past_the_limits_it_says_what_it_leaves_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_summary, "COUNTED", 3)
    monkeypatch.setattr(failure_summary, "GROUPS", 1)
    job = failing(stage, [NOT_FOUND] * 5)
    body = stage.client.get(f"/v1/jobs/{job}/failures/summary").json()
    assert (body["failed"], body["counted"], body["more_groups"]) == (5, 3, 1)
    assert [each["pictures"] for each in body["groups"]] == [2]


def test_an_unknown_job_is_named(stage: Stage) -> None:
    answer = stage.client.get("/v1/jobs/nosuch/failures/summary")
    assert "nosuch" in problem_of(answer, 404, "not_found")["detail"]


def test_the_ledger_is_asked_for_no_more_failures_than_are_counted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_summary, "COUNTED", 2)
    job = failing(stage, [NOT_FOUND] * 5)
    drawn: list[str] = []
    failures = MemoryLedger.failures

    def watched(ledger: MemoryLedger, job: str) -> Iterable[object]:
        for failure in failures(ledger, job):
            drawn.append(failure.image.item_id)
            yield failure

    monkeypatch.setattr(MemoryLedger, "failures", watched)
    assert stage.client.get(f"/v1/jobs/{job}/failures/summary").json()["counted"] == 2
    assert drawn == ["i0", "i1"]
