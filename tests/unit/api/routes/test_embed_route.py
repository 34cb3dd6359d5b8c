from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from api.middleware.body_limit import LARGE_BODY, Admission
from tests.unit.api.api_fixture import SPACE, Stage, problem_of
from vitrine.core.errors import LedgerUnavailable, ModelUnavailable
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, QueryAnswer, QueryVector, UnusablePicture
from vitrine.testing.fake_query_client import fake_vector, fake_worker

GONE = b"https://shop.example/gone.jpg"
NPY, RAW = {"Accept": "application/x-npy"}, {"Accept": "application/octet-stream"}


@pytest.fixture(autouse=True)
def _a_picture_that_is_gone(stage: Stage) -> None:
    stage.query_client.known[GONE] = UnusablePicture(
        FailureReason.NOT_FOUND, "the host answered 404"
    )


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def embed(stage: Stage, *inputs: dict[str, str], **options: Any) -> dict[str, Any]:
    answer = stage.client.post("/v1/embed", json={"inputs": list(inputs), **options})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(stage: Stage, field: str, **body: Any) -> None:
    answer = stage.client.post("/v1/embed", json=body)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == field


# --- inputs ---------------------------------------------------------------------------------------


def test_each_kind_of_input_comes_back_as_its_unit_vector_in_order(stage: Stage) -> None:
    url = "https://shop.example/1.jpg"
    body = embed(stage, {"image_url": url}, {"image_base64": b64(b"bag")}, {"text": "rot"})
    expected = [fake_vector(data, 16) for data in (url.encode(), b"bag", b"rot")]
    found = [one["embedding"] for one in body["results"]]
    np.testing.assert_allclose(found, expected, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert [one["index"] for one in body["results"]] == [0, 1, 2]
    assert (body["embedded"], body["failed"]) == (3, 0)
    assert body["space"]["model"] == "builtin"
    assert {query.kind for _, query in stage.query_client.asked} == {"url", "image", "text"}


def test_one_input_needs_no_list(stage: Stage) -> None:
    answer = stage.client.post("/v1/embed", json={"text": "rot"})
    assert answer.json()["results"][0]["embedding"] == pytest.approx(
        fake_vector(b"rot", 16).tolist()
    )


def test_what_fails_is_named_and_fails_no_other(stage: Stage) -> None:
    body = embed(
        stage,
        {"text": "rot"},
        {"image_url": GONE.decode()},
        {"image_url": "file:///etc/passwd"},
        {"image_base64": "no base64!"},
        {"image_base64": ""},
        {"image_base64": "data:image/png;base64," + b64(b"bag")},
    )
    codes = [one["error"] and one["error"]["code"] for one in body["results"]]
    assert codes == [None, "not_found", "bad_url", "not_an_image", "not_an_image", None]
    assert [one["embedding"] is None for one in body["results"]] == [bool(code) for code in codes]
    assert body["results"][1]["error"] == {
        "code": "not_found", "message": "the host answered 404", "retryable": False,
    }  # fmt: skip
    assert (body["embedded"], body["failed"]) == (2, 4)


def test_a_worker_that_is_late_fails_only_what_it_did_not_answer(stage: Stage) -> None:
    stage.query_client.known[b"slow"] = ModelUnavailable("No worker answered within 20 s.")
    first, second = embed(stage, {"text": "rot"}, {"text": "slow"})["results"]
    assert first["error"] is None
    assert second["error"]["code"] == "model_unavailable"
    assert second["error"]["retryable"]


def test_a_thousand_go_at_once_and_equal_ones_are_asked_once(stage: Stage) -> None:
    body = embed(stage, *({"text": f"word {n % 10}"} for n in range(1000)))
    assert body["embedded"] == 1000
    assert len(stage.query_client.asked) == 10
    assert body["results"][7]["embedding"] == body["results"][997]["embedding"]


def test_grey_is_said_to_the_worker(stage: Stage) -> None:
    embed(stage, {"image_base64": b64(b"bag")}, grey=True)
    assert [query for _, query in stage.query_client.asked] == [Query("image", b"bag", grey=True)]


# --- encodings ------------------------------------------------------------------------------------


def test_base64_is_of_float32_little_endian(stage: Stage) -> None:
    one = embed(stage, {"text": "rot"}, encoding="base64")["results"][0]["embedding"]
    found = np.frombuffer(base64.b64decode(one), "<f4")
    np.testing.assert_array_equal(found, fake_vector(b"rot", 16))


@pytest.mark.parametrize("accept", [NPY, RAW], ids=["npy", "raw"])
def test_as_an_array_a_row_that_failed_is_nan_and_named_in_a_header(
    stage: Stage, accept: dict[str, str]
) -> None:
    inputs = [{"text": "rot"}, {"image_url": GONE.decode()}, {"text": "blau"}]
    answer = stage.client.post("/v1/embed", json={"inputs": inputs}, headers=accept)
    assert answer.headers["content-type"] == accept["Accept"]
    if accept is NPY:
        rows = np.load(io.BytesIO(answer.content), allow_pickle=False)
    else:
        rows = np.frombuffer(answer.content, "<f4").reshape(3, 16)
    np.testing.assert_array_equal(rows[0], fake_vector(b"rot", 16))
    np.testing.assert_array_equal(rows[2], fake_vector(b"blau", 16))
    assert np.isnan(rows[1]).all()
    assert answer.headers["vitrine-shape"] == "3,16"
    assert answer.headers["vitrine-failed"] == "1"
    assert answer.headers["vitrine-failures"] == "1=not_found"
    assert answer.headers["vitrine-space"] == "builtin/r1/p1"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "application/json"),
        ("application/json, application/octet-stream", "application/json"),
        ("text/html, application/x-npy;q=0.9, */*;q=0.1", "application/x-npy"),
        ("", "application/json"),
    ],
)
def test_json_is_what_comes_unless_an_array_is_named_before_it(
    stage: Stage, accept: str, media: str
) -> None:
    answer = stage.client.post("/v1/embed", json={"text": "rot"}, headers={"Accept": accept})
    assert answer.headers["content-type"] == media


def test_a_header_names_a_hundred_failures_and_counts_all(stage: Stage) -> None:
    inputs = [{"image_url": f"ftp://h/{n}"} for n in range(1000)]
    answer = stage.client.post("/v1/embed", json={"inputs": inputs}, headers=RAW)
    assert answer.headers["vitrine-failed"] == "1000"
    assert len(answer.headers["vitrine-failures"].split(",")) == 100


# --- uploads --------------------------------------------------------------------------------------


def test_a_form_s_files_urls_and_texts_are_its_inputs_in_their_order(stage: Stage) -> None:
    files: list[Any] = [
        ("image", ("a.jpg", b"shirt front")),
        ("text", (None, "rot")),
        ("image", ("b.jpg", b"")),
        ("image_url", (None, "https://shop.example/1.jpg")),
        ("encoding", (None, "float")),
        ("grey", (None, "true")),
    ]
    body = stage.client.post("/v1/embed", files=files).json()
    assert [one["error"] and one["error"]["code"] for one in body["results"]] == [
        None, None, "not_an_image", None,
    ]  # fmt: skip
    assert [query for _, query in stage.query_client.asked] == [
        Query("image", b"shirt front", grey=True),
        Query("text", b"rot"),
        Query("url", b"https://shop.example/1.jpg", grey=True),
    ]


def test_hundreds_of_files_fit_in_one_form(stage: Stage) -> None:
    files = [("image", (f"{n}.jpg", b"%d" % n)) for n in range(500)]
    body = stage.client.post("/v1/embed", files=files).json()
    assert body["embedded"] == 500


@pytest.mark.parametrize(
    ("files", "field"),
    [
        ([("image", (None, "no file"))], "image"),
        ([("text", ("file.txt", b"rot"))], "text"),
        ([("text", (None, "x" * 1001))], "text"),
        ([("model", (None, "builtin"))], ""),
        ([("text", (None, "a")), ("colour", (None, "red"))], "colour"),
        ([("text", (None, "a")), ("grey", (None, "1")), ("grey", (None, "0"))], "grey"),
    ],
    ids=["text as image", "file as text", "long text", "no input", "unknown", "twice"],
)
def test_a_form_that_cannot_be_read_names_the_field(
    stage: Stage, files: list[Any], field: str
) -> None:
    answer = stage.client.post("/v1/embed", files=files)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == field


# --- refusals of the whole request ----------------------------------------------------------------


def test_an_input_is_exactly_one_thing(stage: Stage) -> None:
    refused(stage, "inputs[1]", inputs=[{"text": "a"}, {}])
    refused(stage, "inputs[0]", inputs=[{"text": "a", "image_url": "https://h/1"}])
    refused(stage, "", inputs=[{"text": "a"}], text="b")
    refused(stage, "")
    refused(stage, "inputs", inputs=[])
    refused(stage, "inputs", inputs=[{"text": "a"}] * 1001)
    refused(stage, "timeout", text="a", timeout=301)
    refused(stage, "encoding", text="a", encoding="hex")
    assert stage.query_client.asked == []


def test_a_model_is_named_where_several_run(stage: Stage) -> None:
    other = replace(SPACE, model="siglip", dimension=8)
    stage.query_client.crew.append(fake_worker(other, supports_text=True, node="second"))
    assert embed(stage, {"text": "rot"})["space"]["model"] == "builtin"  # the model of the settings
    assert embed(stage, {"text": "rot"}, model="siglip")["space"]["dimension"] == 8
    answer = stage.client.post("/v1/embed", json={"text": "rot", "model": "nope"})
    assert "siglip" in problem_of(answer, 404, "not_found")["hint"]
    stage.query_client.crew[0] = fake_worker(replace(SPACE, model="clip"))
    answer = stage.client.post("/v1/embed", json={"text": "rot"})
    assert "clip, siglip" in problem_of(answer, 422, "bad_input")["hint"]


def test_without_a_worker_or_redis_it_is_503(stage: Stage) -> None:
    stage.query_client.crew.clear()
    answer = stage.client.post("/v1/embed", json={"text": "rot"})
    problem_of(answer, 503, "model_unavailable")
    stage.query_client.failure = LedgerUnavailable("Redis does not answer (ConnectionError).")
    answer = stage.client.post("/v1/embed", json={"text": "rot"})
    problem_of(answer, 503, "ledger_unavailable")


def test_vectors_of_two_spaces_are_never_mixed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_upgraded(model: str, queries: list[Query], **_: Any) -> list[QueryAnswer]:
        spaces = (SPACE, replace(SPACE, revision="r2"))
        return [
            QueryVector(fake_vector(query.data, 16), spaces[n % 2])
            for n, query in enumerate(queries)
        ]

    monkeypatch.setattr(stage.query_client, "embed_many", half_upgraded)
    answer = stage.client.post("/v1/embed", json={"inputs": [{"text": "a"}, {"text": "b"}]})
    told = problem_of(answer, 409, "space_mismatch")
    assert "r1/p1 and r2/p1" in told["detail"]


def test_another_media_type_or_too_large_a_body_is_refused(stage: Stage) -> None:
    answer = stage.client.post("/v1/embed", content=b"x", headers={"Content-Type": "image/png"})
    problem_of(answer, 415, "unsupported_media_type")
    answer = stage.client.post("/v1/embed", headers={"Content-Length": str(65 * 1024 * 1024)})
    problem_of(answer, 413, "too_large")


def test_only_so_many_large_bodies_are_taken_in_at_once(stage: Stage) -> None:
    stage.app.state.large_bodies = Admission(0)
    files = [("image", ("a.jpg", b"x" * (LARGE_BODY + 1)))]
    problem_of(stage.client.post("/v1/embed", files=files), 429, "full")
    assert embed(stage, {"text": "a small one"})["embedded"] == 1
