from __future__ import annotations

import csv
import io

import pytest

from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import FailureReason
from vitrine.ledger.journal import lost_job_status

OUTCOMES = [None, FailureReason.NOT_FOUND, FailureReason.TIMEOUT, FailureReason.NOT_FOUND, None]


@pytest.fixture
def job(stage: Stage) -> str:
    """A job of five pictures on two hosts, finished with three failures."""
    job = stage.job(images=5)
    stage.finish(job, OUTCOMES)
    stage.outbox.sent.clear()
    return job


def test_a_job_s_counts_add_up(stage: Stage, job: str) -> None:
    body = stage.client.get(f"/v1/jobs/{job}").json()
    assert (body["state"], body["finished"]) == ("completed_with_failures", True)
    assert (body["images"], body["embedded"], body["failed"], body["pending"]) == (5, 2, 3, 0)
    assert body["failed_by_reason"] == {"not_found": 2, "timeout": 1}
    assert body["created_at"].endswith("Z")
    assert body["finished_at"] is not None


def test_jobs_come_page_by_page(stage: Stage) -> None:
    made = {stage.job(images=1) for _ in range(3)}
    first = stage.client.get("/v1/jobs?limit=2").json()
    rest = stage.client.get(f"/v1/jobs?limit=2&offset={first['next_offset']}").json()
    assert [len(first["jobs"]), len(rest["jobs"])] == [2, 1]
    assert rest["next_offset"] is None
    assert {each["id"] for each in first["jobs"] + rest["jobs"]} == made


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/failures"),
        ("GET", "/failures?format=csv"),
        ("GET", "/problems"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
    ],
)
def test_an_unknown_job_is_named(stage: Stage, method: str, path: str) -> None:
    answer = stage.client.request(method, f"/v1/jobs/nosuch{path}")
    assert "nosuch" in problem_of(answer, 404, "not_found")["detail"]


def test_failures_tell_picture_and_reason(stage: Stage, job: str) -> None:
    body = stage.client.get(f"/v1/jobs/{job}/failures").json()
    assert [failure["item_id"] for failure in body["failures"]] == ["i1", "i2", "i3"]
    assert body["failures"][0] == {
        "item_id": "i1",
        "image_index": 0,
        "url": "https://h1.example/1.jpg",
        "host": "h1.example",
        "reason": "not_found",
        "detail": "detail of i1",
        "attempts": 2,
        "failed_at": "2023-11-14T22:13:20Z",
    }


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("reason=not_found", ["i1", "i3"]),
        ("host=H0.example", ["i2"]),
        ("reason=not_found&host=h0.example", []),
    ],
)
def test_failures_are_filtered(stage: Stage, job: str, query: str, items: list[str]) -> None:
    body = stage.client.get(f"/v1/jobs/{job}/failures?{query}").json()
    assert [failure["item_id"] for failure in body["failures"]] == items


def test_failures_come_page_by_page(stage: Stage, job: str) -> None:
    first = stage.client.get(f"/v1/jobs/{job}/failures?limit=2").json()
    after = first["next_after"]
    rest = stage.client.get(f"/v1/jobs/{job}/failures?limit=2&after={after}").json()
    assert (after is None, rest["next_after"]) == (False, None)
    assert [failure["item_id"] for failure in first["failures"] + rest["failures"]] == [
        "i1", "i2", "i3",
    ]  # fmt: skip


def test_an_unknown_reason_is_refused_naming_those_there_are(stage: Stage, job: str) -> None:
    body = problem_of(stage.client.get(f"/v1/jobs/{job}/failures?reason=luck"), 422, "bad_input")
    assert body["errors"][0]["field"] == "reason"
    assert "not_found" in body["detail"]


def test_failures_as_csv_are_all_of_them_whatever_the_page(stage: Stage, job: str) -> None:
    answer = stage.client.get(f"/v1/jobs/{job}/failures?format=csv&limit=1")
    assert answer.headers["content-type"].startswith("text/csv")
    assert f"failures-{job}.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["item_id"] for row in rows] == ["i1", "i2", "i3"]


def test_csv_holds_no_formula(stage: Stage) -> None:
    items = [{"id": "=HYPERLINK(1)", "images": ["https://h.example/a.jpg"]}]
    job = stage.job(items=items)
    stage.finish(job, [FailureReason.CORRUPT])
    rows = list(
        csv.reader(io.StringIO(stage.client.get(f"/v1/jobs/{job}/failures?format=csv").text))
    )
    assert rows[1][0] == "'=HYPERLINK(1)"


def test_cancel_stops_a_job_and_answers_its_state(stage: Stage) -> None:
    job = stage.job()
    body = stage.client.post(f"/v1/jobs/{job}/cancel").json()
    assert (body["state"], body["cancelled"], body["pending"]) == ("cancelled", 3, 0)


def test_a_finished_job_cannot_be_cancelled(stage: Stage, job: str) -> None:
    problem_of(stage.client.post(f"/v1/jobs/{job}/cancel"), 409, "conflict")


@pytest.mark.parametrize(
    ("which", "images"),
    [
        (None, 3),
        ({}, 3),
        ({"reason": "not_found"}, 2),
        ({"host": "h0.example"}, 1),
        ({"items": ["i1", "i2"]}, 2),
        ({"reason": "corrupt"}, 0),
    ],
)
def test_retry_puts_the_matching_failures_back_to_work(
    stage: Stage, job: str, which: dict[str, object] | None, images: int
) -> None:
    answer = stage.client.post(f"/v1/jobs/{job}/retry", json=which)
    assert answer.status_code == 202
    body = answer.json()
    assert (body["images"], body["job"]["pending"], body["job"]["failed"]) == (
        images, images, 3 - images,
    )  # fmt: skip
    assert bool(stage.outbox.sent) == bool(images)


def test_retry_without_a_body_means_all(stage: Stage, job: str) -> None:
    assert stage.client.post(f"/v1/jobs/{job}/retry").json()["images"] == 3


@pytest.mark.parametrize("body", [{"reason": "luck"}, {"items": []}, {"reasons": ["timeout"]}])
def test_retry_refuses_what_it_does_not_know(
    stage: Stage, job: str, body: dict[str, object]
) -> None:
    problem_of(stage.client.post(f"/v1/jobs/{job}/retry", json=body), 422, "bad_input")
    assert stage.outbox.sent == []


def test_a_cancelled_job_cannot_be_retried(stage: Stage) -> None:
    job = stage.job()
    stage.client.post(f"/v1/jobs/{job}/cancel")
    problem_of(stage.client.post(f"/v1/jobs/{job}/retry"), 409, "conflict")


def test_a_job_that_waits_for_its_index_says_how_far_that_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.ledger, "_options", StoreOptions(index_points=2))
    job = stage.job(images=2)
    assert stage.client.get(f"/v1/jobs/{job}").json()["index"] is None
    stage.finish(job, [None, None])
    stage.ledger.record_index_progress(job, indexed=12_000, points=50_000)
    body = stage.client.get(f"/v1/jobs/{job}").json()
    assert (body["state"], body["finished"], body["pending"]) == ("indexing", False, 0)
    assert body["index"] == {"indexed": 12_000, "points": 50_000}
    problem_of(stage.client.post(f"/v1/jobs/{job}/cancel"), 409, "conflict")
    stage.ledger.complete(job)
    body = stage.client.get(f"/v1/jobs/{job}").json()
    assert (body["state"], body["finished"], body["index"]) == ("completed", True, None)


def test_a_lost_job_says_so_and_what_to_do(
    stage: Stage, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lost_job_status(stage.ledger.status(job).spec)
    monkeypatch.setattr(stage.ledger, "status", lambda _job: lost)
    monkeypatch.setattr(stage.ledger, "jobs", lambda **_: [lost])
    body = stage.client.get(f"/v1/jobs/{job}").json()
    [listed] = stage.client.get("/v1/jobs").json()["jobs"]
    assert body == listed
    assert (body["state"], body["finished_at"], body["embedded"]) == ("lost", None, 0)
    assert "Submit the catalog again" in body["notice"]


def test_other_jobs_have_no_notice(stage: Stage, job: str) -> None:
    assert stage.client.get(f"/v1/jobs/{job}").json()["notice"] is None
