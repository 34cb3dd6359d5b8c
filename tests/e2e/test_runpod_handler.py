"""The RunPod worker as its container starts it, served by RunPod's own package; every route returns the same vector."""

from __future__ import annotations

import base64
import importlib.util
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from tests.conftest import REPOSITORY
from tests.e2e.standalone_process import House, environment, until
from tests.patience import PATIENCE
from vitrine.core.service_discovery import runtime_file
from vitrine.demo.shop import Shop
from vitrine.standalone.private_redis import free_port

pytestmark = [pytest.mark.e2e]

HANDLER = REPOSITORY / "infra" / "runpod" / "handler.py"


@dataclass(frozen=True)
class Handler:
    """RunPod's server around the handler, the service inside it, and a shop."""

    url: str
    house: House
    shop: Shop
    picture: bytes

    def ask(self, given: dict[str, Any]) -> dict[str, Any]:
        """Run a job with this input and return its result."""
        answer = requests.post(f"{self.url}/runsync", json={"input": given}, timeout=PATIENCE)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handler]:
    if importlib.util.find_spec("runpod") is None:
        pytest.skip("RunPod's package is not installed: vitrine[runpod]")
    folder, data = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("data")
    picture = drawn(folder / "a.png")
    with Shop(folder) as shop, (data / "handler.log").open("wb") as log:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, str(HANDLER), "--rp_serve_api", "--rp_api_host", "127.0.0.1",
             "--rp_api_port", str(port)],
            env=environment(data, {"VITRINE_FETCH_ALLOW": shop.address}) | {"HOME": str(data)},
            stdout=log,
            stderr=log,
        )  # fmt: skip
        house = House(data, process)
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: process.poll() is not None or answers(url), "the handler")
            assert process.poll() is None, (data / "handler.log").read_text()
            yield Handler(url, house, shop, picture)
        finally:
            house.stop()
    assert not runtime_file(data).exists()  # the service shut down cleanly


def drawn(path: Path) -> bytes:
    image = Image.new("RGB", (64, 48), (200, 30, 30))
    image.paste((20, 160, 220), (10, 10, 40, 30))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    path.write_bytes(stream.getvalue())
    return stream.getvalue()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


def test_urls_come_back_with_unit_vectors_and_failures_with_their_reasons(handler: Handler) -> None:
    good, gone = handler.shop.picture_url("a.png"), handler.shop.picture_url("gone.png")
    told = handler.ask({"images": [good, gone]})
    assert told["status"] == "COMPLETED"
    (found,) = told["output"]["embeddings"]
    assert found["image_url"] == good
    assert np.linalg.norm(found["vector"]) == pytest.approx(1, abs=1e-5)
    (failed,) = told["output"]["warnings"]["failed_urls"]
    assert failed["url"] == gone
    assert "not_found" in failed["error"]


def test_a_job_without_any_vector_fails_in_words(handler: Handler) -> None:
    told = handler.ask({"images": [handler.shop.picture_url("gone.png")]})
    assert told["status"] == "FAILED"
    assert "None of the 1 images" in told["error"]
    assert "either images or image" in handler.ask({"prompt": "a cat"})["error"]


def test_every_way_in_gives_the_same_vector(handler: Handler) -> None:
    text = base64.b64encode(handler.picture).decode()
    colour = handler.ask({"image": text, "grey": False})["output"]["embedding"]
    grey = handler.ask({"image": text})["output"]["embedding"]
    api = handler.house.api
    triton = requests.post(
        f"{api}/v2/models/builtin/infer", data=handler.picture, timeout=PATIENCE,
        headers={"Inference-Header-Content-Length": "0"},
    ).json()["outputs"][0]["data"]  # fmt: skip
    runpod = [
        requests.post(f"{api}/v2/builtin/runsync", json={"input": given}, timeout=PATIENCE).json()["output"]
        for given in ({"image": text}, {"images": [handler.shop.picture_url("a.png")]})
    ]  # fmt: skip
    np.testing.assert_allclose(triton, colour, atol=1e-6)
    np.testing.assert_allclose(runpod[1]["embeddings"][0]["vector"], colour, atol=1e-6)
    np.testing.assert_allclose(runpod[0]["embedding"], grey, atol=1e-6)
    assert np.dot(colour, grey) < 0.999  # the picture has colour, which the grey version lacks
