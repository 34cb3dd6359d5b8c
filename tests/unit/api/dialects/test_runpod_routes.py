from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from api.middleware.body_limit import Admission
from tests.patience import wait_until
from tests.unit.api.api_fixture import SPACE, Stage, make_stage
from tests.unit.api.dialects.test_dialect_errors import error_of
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, UnusablePicture
from vitrine.testing.fake_query_client import fake_vector, fake_worker
from vitrine.tickets import NewTicket, TicketState

URL, OTHER, GONE = "https://h/a.jpg", "https://h/b.jpg", "https://h/gone.jpg"
PICTURE = b"\xff\xd8\xff a picture"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The API with one worker that replies, also known as the endpoint `abc123`; `clip` has no worker."""
    made = make_stage(Settings(model_aliases={"abc123": "builtin", "later": "clip"}))
    made.query_client.known[GONE.encode()] = UnusablePicture(
        FailureReason.NOT_FOUND, "answered 404"
    )
    with made.client:
        yield made


def runsync(stage: Stage, given: Any, *, endpoint: str = "abc123", **members: Any) -> Any:
    return stage.client.post(f"/v2/{endpoint}/runsync", json={"input": given, **members})


def ended(stage: Stage, ticket: str, endpoint: str = "abc123") -> dict[str, Any]:
    """Wait until the request has ended and return its status."""

    def status() -> dict[str, Any]:
        found: dict[str, Any] = stage.client.get(f"/v2/{endpoint}/status/{ticket}").json()
        return found

    running = {"IN_QUEUE", "IN_PROGRESS"}
    wait_until(lambda: status()["status"] not in running, f"{ticket} to end")
    return status()


def vector(data: str) -> list[float]:
    return [float(value) for value in fake_vector(data.encode(), SPACE.dimension)]


# --- runsync --------------------------------------------------------------------------------------


def test_urls_come_back_with_their_vectors(stage: Stage) -> None:
    told = runsync(stage, {"images": [URL, OTHER]}).json()
    assert told["status"] == "COMPLETED"
    assert told["id"].startswith("sync-")
    assert min(told["delayTime"], told["executionTime"]) >= 0
    assert told["output"].keys() == {"embeddings"}
    found = told["output"]["embeddings"]
    assert [one["image_url"] for one in found] == [URL, OTHER]
    np.testing.assert_allclose(found[1]["vector"], vector(OTHER), atol=1e-7)


def test_a_url_that_fails_is_a_warning_and_the_others_have_vectors(stage: Stage) -> None:
    output = runsync(stage, {"images": [URL, GONE, "ftp://h/x"]}).json()["output"]
    assert [one["image_url"] for one in output["embeddings"]] == [URL]
    failed = output["warnings"]["failed_urls"]
    assert [one["url"] for one in failed][:2] == [GONE, "ftp://h/x"]
    assert "not_found" in failed[0]["error"]
    assert "only http" in failed[1]["error"]
    assert output["warnings"]["message"] == "2 of 3 images could not be embedded."
    assert [query.data for _, query in stage.query_client.asked] == [URL.encode(), GONE.encode()]


def test_when_every_url_fails_so_does_the_request(stage: Stage) -> None:
    told = runsync(stage, {"images": [GONE]}).json()
    assert told["status"] == "FAILED"
    assert "output" not in told
    assert told["error"].startswith("None of the 1 images could be embedded. https://h/gone.jpg:")


@pytest.mark.parametrize(("extra", "grey"), [({}, True), ({"grey": False}, False)], ids=str)
def test_a_picture_in_base64_is_made_grey_unless_told_otherwise(
    stage: Stage, extra: dict[str, bool], grey: bool
) -> None:
    text = base64.b64encode(PICTURE).decode()
    for sent in (text, f"data:image/jpeg;base64,{text}", text[:8] + "\n" + text[8:]):
        told = runsync(stage, {"image": sent} | extra).json()
        assert len(told["output"]["embedding"]) == SPACE.dimension
    assert stage.query_client.asked == [("builtin", Query("image", PICTURE, grey=grey))] * 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prompt": "a cat"}, "either images or image"),
        ({"images": [URL], "image": "aGk="}, "either images or image"),
        ({"images": []}, "input.images: "),
        ({"images": [URL] * 1001}, "at most 1000"),
        ({"images": [7]}, "input.images.0: "),
        ({"image": "no base64!"}, "not base64"),
        ({"image": ""}, "input.image: "),
    ],
    ids=range(7),
)
def test_an_input_that_asks_nothing_fails_with_its_reason(
    stage: Stage, given: dict[str, Any], said: str
) -> None:
    told = runsync(stage, given).json()
    assert told["status"] == "FAILED"
    assert said in told["error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty."),
        (b"{}", "input: Field required"),
        (b'{"input": {}}', "input: "),
        (b'{"input": "x"}', "input: "),
        (b'{"input": {"a": 1}, "webhook": "http://h/"}', "webhook: webhooks are not called"),
        (b'{"input": {"a": 1}, "policy": {"ttl": 1}}', "policy.ttl: "),
    ],
    ids=range(6),
)
@pytest.mark.parametrize("operation", ["run", "runsync"])
def test_a_body_that_is_no_request_is_a_400(
    stage: Stage, operation: str, body: bytes, said: str
) -> None:
    answer = stage.client.post(
        f"/v2/abc123/{operation}", content=body, headers={"content-type": "application/json"}
    )
    assert said in error_of(answer, 400)


def test_who_does_not_wait_long_enough_gets_how_it_stands(stage: Stage) -> None:
    answer = stage.client.post(
        "/v2/later/runsync", params={"wait": 1000}, json={"input": {"images": [URL]}}
    )
    told = answer.json()
    assert told["status"] == "IN_QUEUE"
    assert told.keys() == {"id", "status"}
    wait = stage.client.post("/v2/abc123/runsync", params={"wait": 5}, json={"input": {"a": 1}})
    assert "wait" in error_of(wait, 400)


def test_too_many_that_wait_are_refused(stage: Stage) -> None:
    stage.app.state.runsync_admission = Admission(0)
    answer = runsync(stage, {"images": [URL]})
    error_of(answer, 429)
    assert answer.headers["retry-after"]


# --- run, status, cancel, retry -------------------------------------------------------------------


def test_run_answers_at_once_and_status_has_the_output(stage: Stage) -> None:
    told = stage.client.post("/v2/abc123/run", json={"input": {"images": [URL]}}).json()
    assert told.keys() == {"id", "status"}
    assert told["status"] == "IN_QUEUE"
    done = ended(stage, told["id"])
    assert done["status"] == "COMPLETED"
    assert ended(stage, told["id"], "builtin") == done  # by the model's other name


def test_a_request_waits_while_its_model_has_no_worker_and_can_be_cancelled(stage: Stage) -> None:
    tickets = [
        stage.client.post("/v2/later/run", json={"input": {"images": [URL]}}).json()["id"]
        for _ in range(3)
    ]
    health = stage.client.get("/v2/later/health").json()
    assert health["jobs"]["inQueue"] == 3
    assert health["workers"]["ready"] == 0
    answer = stage.client.post(f"/v2/later/cancel/{tickets[0]}")
    assert answer.json() == {"id": tickets[0], "status": "CANCELLED"}
    assert stage.client.get(f"/v2/later/status/{tickets[0]}").json()["status"] == "CANCELLED"
    assert stage.client.post("/v2/later/purge-queue").json() == {
        "removed": 2, "status": "completed",
    }  # fmt: skip
    assert stage.client.get(f"/v2/later/status/{tickets[2]}").json()["status"] == "CANCELLED"
    assert stage.query_client.asked == []


def test_a_failed_request_is_tried_again_under_its_id(stage: Stage) -> None:
    told = runsync(stage, {"images": [GONE]}).json()
    del stage.query_client.known[GONE.encode()]
    again = stage.client.post(f"/v2/abc123/retry/{told['id']}").json()
    assert again == {"id": told["id"], "status": "IN_QUEUE"}
    assert ended(stage, told["id"])["output"]["embeddings"][0]["image_url"] == GONE
    health = stage.client.get("/v2/abc123/health").json()
    assert health["jobs"] == {
        "completed": 1, "failed": 1, "inProgress": 0, "inQueue": 0, "retried": 1,
    }  # fmt: skip
    assert health["workers"]["idle"] == health["workers"]["ready"] == 1
    answer = stage.client.post(f"/v2/abc123/retry/{told['id']}")
    assert "COMPLETED" in error_of(answer, 409)


@pytest.mark.parametrize("operation", ["cancel", "retry"])
def test_a_request_that_there_is_not_is_a_404(stage: Stage, operation: str) -> None:
    error_of(stage.client.get("/v2/abc123/status/nosuch"), 404)
    error_of(stage.client.post(f"/v2/abc123/{operation}/nosuch"), 404)


def test_a_policy_says_how_long_a_request_may_run_wait_and_whether_it_goes_last(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[NewTicket] = []
    monkeypatch.setattr(stage.parts.tickets, "open", opened.append)
    policy = {"executionTimeout": 5_000, "ttl": 60_000, "lowPriority": True}
    for sent in ({}, {"policy": policy}):
        body = {"input": {"images": [URL]}} | sent
        assert stage.client.post("/v2/abc123/run", json=body).status_code == 200
    usual, low = opened
    assert (usual.run_seconds, usual.ttl, usual.low) == (600, 86_400, False)
    assert (low.run_seconds, low.ttl, low.low) == (5, 60, True)
    assert usual.model == low.model == "builtin"


def test_a_full_book_is_a_429_with_retry_after(stage: Stage) -> None:
    for number in range(1000):
        stage.parts.tickets.open(NewTicket(f"t{number}", "clip", b"{}"))
    answer = stage.client.post("/v2/abc123/run", json={"input": {"images": [URL]}})
    error_of(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1


# --- endpoints ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["models", "health", "repository", "trace", "logging"])
def test_names_of_the_other_protocol_are_no_endpoints(stage: Stage, name: str) -> None:
    assert "Open Inference Protocol" in error_of(
        runsync(stage, {"images": [URL]}, endpoint=name), 404
    )


def test_an_unknown_endpoint_names_those_there_are(stage: Stage) -> None:
    for answer in (
        runsync(stage, {"images": [URL]}, endpoint="nope"),
        stage.client.get("/v2/nope/health"),
        stage.client.post("/v2/nope/purge-queue"),
    ):
        assert "abc123, builtin" in error_of(answer, 404)


def test_an_endpoint_stays_known_when_its_last_worker_goes() -> None:
    stage = make_stage(Settings(model="another"))
    with stage.client:
        told = runsync(stage, {"images": [URL]}, endpoint="builtin").json()
        stage.query_client.crew.clear()
        assert ended(stage, told["id"], "builtin")["status"] == "COMPLETED"
        later = stage.client.post("/v2/builtin/run", json={"input": {"images": [URL]}}).json()
        health = stage.client.get("/v2/builtin/health").json()
        assert (health["jobs"]["inQueue"], health["workers"]["ready"]) == (1, 0)
        stage.query_client.crew.append(fake_worker(SPACE))
        assert ended(stage, later["id"], "builtin")["status"] == "COMPLETED"
        error_of(stage.client.get("/v2/nope/health"), 404)


def test_streams_are_refused_in_words(stage: Stage) -> None:
    said = error_of(stage.client.get("/v2/abc123/stream/x"), 501)
    assert "/v2/abc123/status/x" in said


def test_what_a_running_request_takes_is_told(stage: Stage) -> None:
    stage.parts.tickets.open(NewTicket("mine", "clip", b"{}"))
    claim = stage.parts.tickets.claim(["clip"], seconds=60)
    assert claim is not None
    told = stage.client.get("/v2/later/status/mine").json()
    assert (told["status"], told.keys()) == ("IN_PROGRESS", {"id", "status", "delayTime"})
    stage.parts.tickets.finish(claim, TicketState.TIMED_OUT, b"too long")
    assert stage.client.get("/v2/later/status/mine").json()["error"] == "too long"
