from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from api.middleware.body_limit import LARGE_BODY, Admission
from tests.unit.api.api_fixture import SPACE, Stage, make_stage
from tests.unit.api.dialects.test_dialect_errors import error_of
from vitrine.core.errors import BadInput, ModelUnavailable
from vitrine.core.settings import Settings
from vitrine.query.client import Query
from vitrine.testing.fake_query_client import fake_vector, fake_worker

PICTURE = b"\xff\xd8\xff a picture"
JSON = {"content-type": "application/json"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The API with one worker that replies, also known by an alias."""
    made = make_stage(Settings(model_aliases={"siglip": "builtin", "gone": "clip"}))
    with made.client:
        yield made


def ask(stage: Stage, *inputs: dict[str, Any], model: str = "siglip", **members: Any) -> Any:
    return stage.client.post(f"/v2/models/{model}/infer", json={"inputs": list(inputs), **members})


def pictures(*pictures: bytes) -> dict[str, Any]:
    texts = [base64.b64encode(one).decode() for one in pictures]
    return {"name": "IMAGE", "shape": [len(texts)], "datatype": "BYTES", "data": texts}


TEXT = {"name": "TEXT", "shape": [1], "datatype": "BYTES", "data": ["red shoes"]}
PIXELS = np.linspace(-1, 1, 2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)


# --- inference ------------------------------------------------------------------------------------


def test_pixels_become_a_vector_for_each_picture(stage: Stage) -> None:
    given = {"name": "PIXEL_VALUES", "shape": [2, 3, 4, 4], "datatype": "FP32"}
    answer = ask(stage, given | {"data": PIXELS.ravel().tolist()}, id="7").json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("siglip", "1", "7")
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("EMBEDDING", "FP32", [2, 16])
    expected = [fake_vector(Query.of_pixels(one).data, SPACE.dimension) for one in PIXELS]
    np.testing.assert_allclose(
        np.reshape(output["data"], (2, 16)), np.stack(expected), rtol=0, atol=1e-7
    )


def test_pictures_and_words_go_to_the_same_lane(stage: Stage) -> None:
    assert ask(stage, pictures(PICTURE, b"\x00other")).status_code == 200
    assert ask(stage, TEXT, model="builtin").status_code == 200
    assert stage.query_client.asked == [
        ("builtin", Query("image", PICTURE)),
        ("builtin", Query("image", b"\x00other")),
        ("builtin", Query("text", b"red shoes")),
    ]


def test_a_picture_s_bytes_alone_are_a_request(stage: Stage) -> None:
    answer = stage.client.post(
        "/v2/models/siglip/versions/1/infer", content=PICTURE,
        headers={"Inference-Header-Content-Length": "0"},
    )  # fmt: skip
    assert answer.json()["outputs"][0]["shape"] == [1, 16]
    assert "id" not in answer.json()
    assert stage.query_client.asked == [("builtin", Query("image", PICTURE))]


def test_an_output_comes_under_the_name_and_in_the_form_that_was_asked_for(stage: Stage) -> None:
    wanted = [{"name": "image_embeds", "parameters": {"binary_data": True}}, {"name": "EMBEDDING"}]
    answer = ask(stage, TEXT, outputs=wanted)
    size = int(answer.headers["inference-header-content-length"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert b'"image_embeds"' in answer.content[:size]
    vector = np.frombuffer(answer.content[size:], "<f4")
    np.testing.assert_array_equal(vector, fake_vector(b"red shoes", SPACE.dimension))


def test_one_bad_picture_is_named_and_fails_the_request(stage: Stage) -> None:
    stage.query_client.known[b"\x00bad"] = BadInput("It is no picture.", hint="Send a JPEG.")
    said = error_of(ask(stage, pictures(PICTURE, b"\x00bad")), 400)
    assert said == "Element 1: It is no picture. Send a JPEG."


def test_a_worker_that_does_not_answer_is_a_503(stage: Stage) -> None:
    stage.query_client.known[PICTURE] = ModelUnavailable("No worker answered within 20 s.")
    answer = ask(stage, pictures(PICTURE))
    assert "within 20 s" in error_of(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty."),
        (b"{}", "inputs: Field required"),
        (b'{"inputs":[]}', "inputs: List should have at least 1 item"),
        (b'{"inputs":[{"name":"A"}]}', "inputs[0].shape: Field required"),
        (b"not json", "Invalid JSON"),
    ],
    ids=range(5),
)
def test_a_body_that_is_no_request_is_a_400_in_words(stage: Stage, body: bytes, said: str) -> None:
    answer = stage.client.post("/v2/models/siglip/infer", content=body, headers=JSON)
    assert said in error_of(answer, 400)


def test_what_an_embedding_cannot_give_is_refused(stage: Stage) -> None:
    assert "output is EMBEDDING" in error_of(ask(stage, TEXT, outputs=[{"name": "LOGITS"}]), 400)
    classes = {"name": "EMBEDDING", "parameters": {"classification": 3}}
    assert "classes" in error_of(ask(stage, TEXT, outputs=[classes]), 400)
    shared = TEXT | {"parameters": {"shared_memory_region": "r"}}
    assert "shared memory" in error_of(ask(stage, shared), 400)


def test_words_for_a_model_without_a_text_tower_are_refused(stage: Stage) -> None:
    stage.query_client.crew[:] = [fake_worker(SPACE)]
    assert "pictures only, not text" in error_of(ask(stage, TEXT), 400)
    inputs = stage.client.get("/v2/models/siglip").json()["inputs"]
    assert [one["name"] for one in inputs] == ["IMAGE", "IMAGE_URL"]


def test_models_and_versions_that_there_are_not_are_404(stage: Stage) -> None:
    assert "These are running: builtin, siglip" in error_of(ask(stage, TEXT, model="nope"), 404)
    answer = stage.client.get("/v2/models/siglip/versions/2")
    assert "no version 2" in error_of(answer, 404)
    assert "vitrine worker --model clip" in error_of(ask(stage, TEXT, model="gone"), 503)


def test_only_so_many_large_bodies_are_taken_in_at_once(stage: Stage) -> None:
    stage.app.state.large_bodies = Admission(0)
    error_of(ask(stage, TEXT | {"data": ["x" * (LARGE_BODY + 1)]}), 429)

    def unmeasured() -> Iterator[bytes]:
        yield b"{}"

    error_of(stage.client.post("/v2/models/siglip/infer", content=unmeasured()), 429)
    assert ask(stage, TEXT).status_code == 200


def test_too_many_at_once_are_refused_with_429(stage: Stage) -> None:
    stage.app.state.admission = Admission(0)
    assert "in progress" in error_of(ask(stage, TEXT), 429)


# --- health, metadata, statistics -----------------------------------------------------------------


def test_health_is_told_by_status_alone(stage: Stage) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/siglip/ready"):
        answer = stage.client.get(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert stage.client.get("/v2/models/siglip/versions/1/ready").status_code == 200
    error_of(stage.client.get("/v2/models/gone/ready"), 503)


def test_a_server_without_workers_lives_and_is_not_ready(stage: Stage) -> None:
    stage.query_client.crew.clear()
    assert stage.client.get("/v2/health/live").status_code == 200
    assert "no worker is running" in error_of(stage.client.get("/v2/health/ready"), 503)


def test_server_model_and_index_describe_themselves(stage: Stage) -> None:
    assert "statistics" in stage.client.get("/v2").json()["extensions"]
    model = stage.client.get("/v2/models/siglip/versions/1").json()
    assert model == stage.client.get("/v2/models/siglip").json()
    assert (model["name"], model["versions"]) == ("siglip", ["1"])
    assert model["outputs"] == [{"name": "EMBEDDING", "datatype": "FP32", "shape": [-1, 16]}]
    index = stage.client.post("/v2/repository/index").json()
    assert [(one["name"], one["state"]) for one in index] == [
        ("builtin", "READY"), ("siglip", "READY"),
    ]  # fmt: skip
    told = stage.client.get("/v2/models/siglip/config").json()
    assert told["parameters"]["revision"] == {"string_value": SPACE.revision}
    assert {one["data_type"] for one in told["input"]} == {"TYPE_STRING"}
    assert told["output"][0]["data_type"] == "TYPE_FP32"


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("google--siglip-so400m-patch14-384", [-1, 3, 384, 384]),
        ("my-own-model", [-1, 3, -1, -1]),
        ("google--siglip2-base-patch16-naflex", None),
        ("builtin", None),
    ],
)
def test_the_metadata_names_the_pixels_that_a_model_takes(
    stage: Stage, model: str, shape: list[int] | None
) -> None:
    stage.query_client.crew[:] = [fake_worker(replace(SPACE, model=model))]
    inputs = stage.client.get(f"/v2/models/{model}").json()["inputs"]
    shapes = {one["name"]: one["shape"] for one in inputs}
    assert shapes.get("PIXEL_VALUES") == shape
    assert shapes["IMAGE"] == [-1]


def test_statistics_count_what_was_embedded_and_what_failed(stage: Stage) -> None:
    ask(stage, pictures(PICTURE, b"\x00other"))
    ask(stage, TEXT, model="builtin")
    ask(stage, TEXT, outputs=[{"name": "LOGITS"}])
    (told,) = stage.client.get("/v2/models/siglip/stats").json()["model_stats"]
    assert (told["name"], told["inference_count"], told["execution_count"]) == ("siglip", 3, 2)
    assert told["last_inference"] > 1_600_000_000_000
    counts = told["inference_stats"]
    assert (counts["success"]["count"], counts["fail"]["count"]) == (2, 1)
    assert 0 < counts["compute_infer"]["ns"] <= counts["success"]["ns"]
    (all_of_them,) = stage.client.get("/v2/models/stats").json()["model_stats"]
    assert all_of_them == told | {"name": "builtin"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/systemsharedmemory/status"),
        ("POST", "/v2/cudasharedmemory/region/r/register"),
        ("POST", "/v2/repository/models/siglip/load"),
        ("POST", "/v2/repository/models/siglip/unload"),
        ("GET", "/v2/trace/setting"),
        ("POST", "/v2/models/siglip/trace/setting"),
        ("POST", "/v2/logging"),
    ],
)
def test_what_is_not_served_says_so(stage: Stage, method: str, path: str) -> None:
    said = error_of(stage.client.request(method, path), 501)
    assert "VITRINE_" in said
