"""The unchanged clients of Triton's and RunPod's users against the API as it is served: over a socket, with a key.

The lane is a fake whose vectors depend only on a question's bytes, so a client's results show what it sent.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.http_server import served
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import SPACE, Stage, make_stage
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, UnusablePicture
from vitrine.testing.fake_query_client import fake_vector

KEY, KEPT = new_key("client", [Scope.ADMIN])
BEARER = {"Authorization": f"Bearer {KEY}"}
PICTURE = b"\xff\xd8\xff\x00 a picture"
URL, GONE = "https://h/a.jpg", "https://h/gone.jpg"
PIXELS = np.linspace(-1, 1, 2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Services with one worker, known as `siglip`; no worker serves the model `later`."""
    settings = Settings(model_aliases={"siglip": "builtin", "later": "clip"})
    made = make_stage(settings, Keyring([KEPT]))
    made.query_client.known[GONE.encode()] = UnusablePicture(
        FailureReason.NOT_FOUND, "answered 404"
    )
    return made


@pytest.fixture(scope="module")
def url(stage: Stage) -> Iterator[str]:
    """The URL of the API, served on its own port."""
    with served(stage.app, stage.parts.settings) as address:
        yield address


def imported(name: str) -> ModuleType:
    """Import a client's module, or skip; ignore deprecation warnings from its own imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip(name)
    return module


def vector(data: bytes) -> NDArray[np.float32]:
    return fake_vector(data, SPACE.dimension)


# --- tritonclient ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def triton() -> Any:
    return imported("tritonclient.http")


@pytest.fixture
def server(triton: Any, url: str) -> Iterator[Any]:
    with closing(triton.InferenceServerClient(url.removeprefix("http://"))) as client:
        yield client


def given(triton: Any, name: str, values: NDArray[Any], *, binary: bool = True) -> list[Any]:
    datatype = "FP32" if values.dtype == np.float32 else "BYTES"
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return [made]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_triton_s_client_embeds_raw_pixels(triton: Any, server: Any, *, binary: bool) -> None:
    inputs = given(triton, "PIXEL_VALUES", PIXELS, binary=binary)
    outputs = [triton.InferRequestedOutput("EMBEDDING", binary_data=binary)]
    result = server.infer("siglip", inputs, headers=dict(BEARER), outputs=outputs, request_id="7")
    expected = np.stack([vector(Query.of_pixels(one).data) for one in PIXELS])
    np.testing.assert_allclose(result.as_numpy("EMBEDDING"), expected, rtol=0, atol=1e-7)
    response = result.get_response()
    assert (response["model_name"], response["model_version"], response["id"]) == (
        "siglip", "1", "7",
    )  # fmt: skip


@pytest.mark.parametrize("packing", [None, "gzip", "deflate"])
def test_triton_s_client_embeds_picture_bytes(
    triton: Any, server: Any, packing: str | None
) -> None:
    pictures = np.array([PICTURE, base64.b64encode(PICTURE), b"\x00other"], dtype=np.object_)
    result = server.infer(
        "siglip", given(triton, "RAW_IMAGE", pictures), headers=dict(BEARER), model_version="1",
        request_compression_algorithm=packing, response_compression_algorithm="gzip",
    )  # fmt: skip
    expected = np.stack([vector(PICTURE), vector(PICTURE), vector(b"\x00other")])
    np.testing.assert_array_equal(result.as_numpy("EMBEDDING"), expected)


def test_triton_s_client_asks_many_at_once(triton: Any, url: str) -> None:
    address = url.removeprefix("http://")
    with closing(triton.InferenceServerClient(address, concurrency=4)) as client:
        asked = [f"text {number}".encode() for number in range(12)]
        pending = [
            client.async_infer(
                "siglip", given(triton, "TEXT", np.array([text], np.object_)), headers=dict(BEARER)
            )
            for text in asked
        ]
        for text, one in zip(asked, pending, strict=True):
            np.testing.assert_array_equal(one.get_result().as_numpy("EMBEDDING")[0], vector(text))


def test_triton_s_client_finds_its_way(server: Any) -> None:
    assert server.is_server_live()
    assert server.is_server_ready()
    assert server.is_model_ready("siglip", headers=BEARER)
    assert not server.is_model_ready("later", headers=BEARER)
    assert not server.is_model_ready("nope", headers=BEARER)
    assert server.get_server_metadata(headers=BEARER)["name"] == "vitrine"
    metadata = server.get_model_metadata("siglip", headers=BEARER)
    assert "IMAGE" in {one["name"] for one in metadata["inputs"]}
    assert server.get_model_config("siglip", headers=BEARER)["max_batch_size"] == 0
    index = server.get_model_repository_index(headers=BEARER)
    assert {one["name"] for one in index} == {"builtin", "siglip"}


def test_triton_s_client_reads_statistics(triton: Any, server: Any) -> None:
    def count() -> int:
        told = server.get_inference_statistics("siglip", headers=BEARER)["model_stats"]
        return int(told[0]["inference_count"])

    before = count()
    server.infer("siglip", given(triton, "PIXEL_VALUES", PIXELS), headers=dict(BEARER))
    assert count() - before == len(PIXELS)


def test_triton_s_client_is_told_what_is_wrong_in_words(
    triton: Any, server: Any, stage: Stage
) -> None:
    failed = (
        triton.InferenceServerException if hasattr(triton, "InferenceServerException") else None
    )
    kind = failed or imported("tritonclient.utils").InferenceServerException
    with pytest.raises(kind, match="no model nope here") as missing:
        server.infer("nope", given(triton, "P", PIXELS), headers=dict(BEARER))
    assert missing.value.status() == "404"
    with pytest.raises(kind, match="needs an API key"):
        server.infer("siglip", given(triton, "P", PIXELS))
    with pytest.raises(kind, match="not loaded over HTTP"):
        server.load_model("siglip", headers=dict(BEARER))
    bad = np.array([PICTURE, GONE.encode()], np.object_)
    with pytest.raises(kind, match=r"Element 1: .*not_found"):
        server.infer("siglip", given(triton, "IMAGE", bad), headers=dict(BEARER))


# --- runpod ---------------------------------------------------------------------------------------


@pytest.fixture
def runpod(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = imported("runpod")
    monkeypatch.setattr(module, "api_key", KEY)
    monkeypatch.setattr(module, "endpoint_url_base", f"{url}/v2")
    return module


@pytest.fixture
def endpoint(runpod: Any) -> Iterator[Any]:
    made = runpod.Endpoint("siglip")
    with made.rp_client.rp_session:
        yield made


def test_runpod_s_client_gets_vectors_of_urls_and_warnings(endpoint: Any) -> None:
    output = endpoint.run_sync({"images": [URL, GONE]}, timeout=PATIENCE)
    (found,) = output["embeddings"]
    assert found["image_url"] == URL
    np.testing.assert_allclose(found["vector"], vector(URL.encode()), atol=1e-7)
    assert output["warnings"]["failed_urls"][0]["url"] == GONE


def test_runpod_s_client_gets_the_vector_of_a_picture(endpoint: Any, stage: Stage) -> None:
    text = base64.b64encode(PICTURE).decode()
    output = endpoint.run_sync({"input": {"image": text}}, timeout=PATIENCE)
    np.testing.assert_allclose(output["embedding"], vector(PICTURE), atol=1e-7)
    assert stage.query_client.asked[-1] == ("builtin", Query("image", PICTURE, grey=True))


def test_runpod_s_client_comes_back_for_its_output(endpoint: Any) -> None:
    job = endpoint.run({"images": [URL]})
    output = job.output(timeout=PATIENCE)
    assert output["embeddings"][0]["image_url"] == URL
    assert job.status() == "COMPLETED"
    assert job.cancel()["status"] == "COMPLETED"


def test_runpod_s_client_sees_a_failure(endpoint: Any) -> None:
    job = endpoint.run({"images": [GONE]})
    assert job.output(timeout=PATIENCE) is None
    assert job.status() == "FAILED"


def test_runpod_s_client_cancels_purges_and_looks_at_health(runpod: Any) -> None:
    waiting = runpod.Endpoint("later")
    with waiting.rp_client.rp_session:
        jobs = [waiting.run({"images": [URL]}) for _ in range(3)]
        assert jobs[0].status() == "IN_QUEUE"
        assert jobs[0].cancel()["status"] == "CANCELLED"
        assert waiting.health()["jobs"]["inQueue"] == 2
        assert waiting.purge_queue() == {"removed": 2, "status": "completed"}
        assert jobs[2].status() == "CANCELLED"


def test_runpod_s_client_needs_its_key(runpod: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runpod, "api_key", "vitrine_wrong")
    stranger = runpod.Endpoint("siglip")
    with stranger.rp_client.rp_session, pytest.raises(RuntimeError, match="401"):
        stranger.run({"images": [URL]})
