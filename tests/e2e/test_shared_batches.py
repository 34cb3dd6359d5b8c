"""Sixty HTTP clients with one picture each share batches of the real API, Redis, Celery worker
and batcher, in every dialect.

Only the device is simulated, by a sleep of 1.2 seconds per batch of any size: a machine that delivers fourteen pictures
per second reaches the same counts as a fast one.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.dependencies import Services, open_services
from tests.e2e.standalone_process import until
from tests.e2e.worker_environment import Floor, workshop_floor
from tests.http_server import served
from tests.patience import PATIENCE

pytestmark = [pytest.mark.e2e]

MODEL = "timed-64-in-1300ms-base-1200ms"
CLIENTS, REQUESTS = 60, 2
LEAST_MEAN = 16


@dataclass
class Service:
    """A worker process, and the API in this process."""

    url: str
    parts: Services

    def embed(self, **body: Any) -> dict[str, Any]:
        """Return a successful response of `/v1/embed`."""
        answer = requests.post(f"{self.url}/v1/embed", json=body, timeout=PATIENCE)
        assert answer.ok, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def infer(self, encoded: str) -> list[float]:
        """Return the vector of a base64 picture, requested as a Triton client does."""
        tensor = {"name": "IMAGE", "shape": [1], "datatype": "BYTES", "data": [encoded]}
        answer = requests.post(
            f"{self.url}/v2/models/{MODEL}/infer", json={"inputs": [tensor]}, timeout=PATIENCE
        )
        assert answer.ok, answer.text
        vector: list[float] = answer.json()["outputs"][0]["data"]
        return vector

    def query_batches(self) -> tuple[int, int]:
        """Return how many query batches the device has run, and how many pictures they held."""
        (worker,) = self.parts.query_client.workers(MODEL)
        assert worker.metrics is not None
        told = requests.get(f"http://{worker.metrics}/metrics", timeout=PATIENCE).text
        values = {
            sample.name: sample.value
            for family in text_string_to_metric_families(told)
            for sample in family.samples
            if sample.labels.get("lane") == "query"
        }
        return int(values["vitrine_batch_size_count"]), int(values["vitrine_batch_size_sum"])


@contextmanager
def api(floor: Floor) -> Iterator[Service]:
    with (
        open_services(floor.settings) as parts,
        served(create_app(parts), floor.settings) as address,
    ):
        yield Service(address, parts)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("floor")
    with (
        # Every picture must reach the device: one cached by another test would be missing from its batch.
        workshop_floor(folder, VITRINE_BATCH_SIZE="64", VITRINE_EMBEDDING_CACHE_BYTES="0") as floor,
        (folder / "worker.log").open("wb") as log,
    ):
        worker = floor.popen("worker", "--model", MODEL, "--device", "cpu", log=log)
        try:
            with api(floor) as made:
                until(lambda: made.parts.query_client.workers(MODEL), "the worker")
                yield made
        finally:
            worker.terminate()
            assert worker.wait(PATIENCE) == 0


def picture(number: int) -> str:
    """Return a flat picture in a distinct colour, as base64."""
    colour = (number % 256, number // 256 % 256, 7)
    file = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def colours(vectors: Sequence[Sequence[float]]) -> list[tuple[int, int, int]]:
    """Recover the flat colours that the model saw: a vector is made of sampled points, scaled to length 1."""
    points = np.array(vectors).reshape(len(vectors), 3, -1).mean(axis=2)
    blue = 7 / 127.5 - 1
    seen = (points / points[:, 2:] * blue + 1) * 127.5
    return [(int(red), int(green), int(last)) for red, green, last in seen.round()]


def test_sixty_clients_of_one_picture_each_share_the_device_s_batches(service: Service) -> None:
    before = service.query_batches()

    def client(number: int) -> list[tuple[int, int, int]]:
        vectors = []
        for turn in range(REQUESTS):
            encoded = picture(number + 1000 * turn)
            if number % 2:
                vectors.append(service.infer(encoded))
            else:
                vectors.append(service.embed(image_base64=encoded)["results"][0]["embedding"])
        return colours(vectors)

    with ThreadPoolExecutor(CLIENTS) as threads:
        found = list(threads.map(client, range(CLIENTS)))
    for number, seen in enumerate(found):
        asked = [number + 1000 * turn for turn in range(REQUESTS)]
        assert seen == [(one % 256, one // 256 % 256, 7) for one in asked]
    batches, pictures = (
        now - then for now, then in zip(service.query_batches(), before, strict=True)
    )
    assert pictures == CLIENTS * REQUESTS
    assert pictures / batches >= LEAST_MEAN, f"{pictures} pictures in {batches} batches"


def test_hundreds_in_one_request_come_back_in_their_order_around_those_that_fail(
    service: Service,
) -> None:
    inputs = [{"image_base64": picture(number)} for number in range(120)]
    inputs[7] = {"image_url": "http://10.0.0.7/scan.jpg"}
    inputs[11] = {"image_base64": base64.b64encode(b"<html>").decode()}
    told = service.embed(inputs=inputs, timeout=300)
    errors = {one["index"]: one["error"]["code"] for one in told["results"] if one["error"]}
    assert errors == {7: "forbidden_address", 11: "not_an_image"}
    good = [one for one in told["results"] if one["error"] is None]
    seen = colours([one["embedding"] for one in good])
    assert seen == [(one["index"] % 256, one["index"] // 256, 7) for one in good]
    norms = np.linalg.norm([one["embedding"] for one in good], axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-5)
