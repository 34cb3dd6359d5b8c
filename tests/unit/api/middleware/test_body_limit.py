from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from api.middleware.body_limit import JSON_BODY, SMALL_BODY, Admission, body_limit
from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.errors import QueueFull
from vitrine.core.settings import MEBIBYTE, Settings

JSON = {"content-type": "application/json"}


def chunks(size: int, piece: int = 64 * 1024) -> Iterator[bytes]:
    for start in range(0, size, piece):
        yield b" " * min(piece, size - start)


def test_a_declared_length_over_the_limit_is_refused(stage: Stage) -> None:
    body = b" " * (SMALL_BODY + 1)
    answer = stage.client.post("/v1/jobs/x/retry", content=body, headers=JSON)
    assert "1,048,576 bytes" in problem_of(answer, 413, "too_large")["detail"]
    assert answer.headers["connection"] == "close"


def test_a_body_without_a_length_is_counted_as_it_arrives(stage: Stage) -> None:
    answer = stage.client.post("/v1/jobs/x/retry", content=chunks(SMALL_BODY + 1), headers=JSON)
    assert "content-length" not in answer.request.headers
    problem_of(answer, 413, "too_large")


def test_a_body_of_the_limit_is_taken(stage: Stage) -> None:
    answer = stage.client.post("/v1/jobs/x/retry", content=chunks(SMALL_BODY), headers=JSON)
    assert answer.status_code == 422  # blanks are not JSON; the size was accepted


def test_an_uploaded_catalog_over_its_limit_is_refused_while_streaming(stage: Stage) -> None:
    boundary = b"cut"
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nid,image\r\n'
    limit = stage.parts.settings.max_upload_bytes + MEBIBYTE

    def sent() -> Iterator[bytes]:
        yield head
        yield from chunks(limit)

    answer = stage.client.post(
        "/v1/jobs",
        content=sent(),
        headers={"content-type": f"multipart/form-data; boundary={boundary.decode()}"},
    )
    problem_of(answer, 413, "too_large")
    assert stage.ledger.jobs() == []


def test_a_json_job_has_a_limit_of_its_own(settings: Settings) -> None:
    from tests.unit.api.api_fixture import make_stage

    stage = make_stage(settings.model_copy(update={"max_upload_bytes": 2 * JSON_BODY}))
    with stage.client as client:
        answer = client.post("/v1/jobs", content=chunks(JSON_BODY + 1, MEBIBYTE), headers=JSON)
    assert "33,554,432 bytes" in problem_of(answer, 413, "too_large")["detail"]


def test_a_search_takes_a_picture_of_the_fetch_limit_in_base64() -> None:
    settings = Settings(fetch_max_bytes=3 * MEBIBYTE)
    assert body_limit(settings)("/v1/search") >= 4 * MEBIBYTE


def test_another_media_type_is_refused(stage: Stage) -> None:
    answer = stage.client.post("/v1/jobs", content=b"id", headers={"content-type": "text/csv"})
    problem_of(answer, 415, "unsupported_media_type")


def test_a_broken_form_is_a_bad_request(stage: Stage) -> None:
    answer = stage.client.post(
        "/v1/jobs", content=b"--x\r\nnonsense", headers={"content-type": "multipart/form-data"}
    )
    problem_of(answer, 400, "bad_request")


def test_a_form_with_two_files_is_refused(stage: Stage) -> None:
    files = [("file", ("a.csv", io.BytesIO(b"a"))), ("file", ("b.csv", io.BytesIO(b"b")))]
    answer = stage.client.post("/v1/jobs", files=files, data={"collection": "new"})
    problem_of(answer, 400, "bad_request")


def test_admission_refuses_past_its_limit_and_lets_in_again() -> None:
    admission = Admission(1)
    with admission, pytest.raises(QueueFull) as refused, admission:
        pass
    assert refused.value.retry_after > 0
    with admission:
        pass


def test_too_many_searches_in_flight_are_refused_with_retry_after(stage: Stage) -> None:
    stage.app.state.admission = Admission(0)
    answer = stage.client.post("/v1/search", json={"collection": "summer", "text": "red"})
    problem_of(answer, 429, "full")
    assert answer.headers["retry-after"] == "1"


def test_a_failed_search_gives_its_place_back(stage: Stage) -> None:
    stage.app.state.admission = Admission(1)
    for _ in range(3):
        answer = stage.client.post("/v1/search", json={"collection": "none", "text": "red"})
        assert answer.status_code == 404
