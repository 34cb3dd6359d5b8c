"""Scores, embeddings and prepared pixels over HTTP and Redis from real models, compared with
transformers' own model and processor.

All parts are real except the queue: a question's message goes directly to the worker's end, in a thread. The models
are tiny, with random weights.
"""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from redis import Redis

from api.app import create_app
from tests.patience import PATIENCE
from tests.tiny_models import BUILDERS
from tests.unit.api.api_fixture import make_stage
from vitrine.core.settings import Settings
from vitrine.messaging import worker_registry
from vitrine.messaging.worker_registry import WORKERS_KEY, WorkerInfo
from vitrine.query.client import Query, QueryClient
from vitrine.testing.worker_fakes import FakePictureSource
from workers.batching import Batcher
from workers.image_decoder import ImageDecoder
from workers.images.decode_pool import DecodePool
from workers.models.silence_logging import silence_libraries
from workers.models.transformers_model import TransformersModel
from workers.query.worker import QueryWorker
from workers.stages import Stages

TEXTS = ["a red dress", "stripes", "blue shoe"]
CLOSE = 1e-4
"""Tolerance of a cosine between float32 unit vectors from two implementations."""


class Messages:
    """Passes the queue's messages directly to the worker's end."""

    def __init__(self, worker: QueryWorker) -> None:
        self._worker = worker
        self._at_work: list[threading.Thread] = []

    def publish_query(self, request: str, model: str) -> None:
        thread = threading.Thread(target=self._worker.answer, args=(request,))
        self._at_work.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait for threads that have replied but not ended."""
        for thread in self._at_work:
            thread.join(PATIENCE)


@dataclass
class Service:
    """The API with one real model, and the same model in transformers."""

    client: TestClient
    query_client: QueryClient
    model: str
    directory: Path

    def reference(self) -> tuple[Any, NDArray[np.float32]]:
        """Return transformers' output for all pictures and texts, and the pixels it computed."""
        loading: Any = transformers  # its own annotations are partial
        processor = loading.AutoImageProcessor.from_pretrained(self.directory, backend="pil")
        tokenizer = loading.AutoTokenizer.from_pretrained(self.directory)
        model = loading.AutoModel.from_pretrained(self.directory).eval()
        padding: dict[str, Any] = {"padding": True}
        if self.directory.name.startswith("siglip"):
            padding = {"padding": "max_length", "max_length": 64}
        words = tokenizer(TEXTS, return_tensors="pt", **padding)
        pixels = processor(pictures(), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            return model(pixel_values=pixels, **words), pixels.numpy()


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(11)
    fields = [Image.fromarray(random.integers(0, 256, (4, 4, 3), np.uint8)) for _ in TEXTS]
    return [field.resize((50, 40 + 10 * n)) for n, field in enumerate(fields)]


def encoded(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def announced(model: TransformersModel, stages: Stages) -> WorkerInfo:
    return WorkerInfo(
        "here", model.name, model.revision, stages.decoder.policy, model.dimension, "cpu",
        model.supports_text, 1, 0.0, scoring=model.scoring,
    )  # fmt: skip


@contextmanager
def running(redis: Redis, directory: Path) -> Iterator[Service]:
    # Use the reference preprocessing: random weights amplify the last bit, in which the fast path's scaling may differ.
    model = TransformersModel(directory, given=str(directory), device="cpu", preprocess="reference")
    batcher = Batcher(model, size=16, wait=0.001)
    batcher.start()
    decoders = DecodePool(2, budget=1 << 28)
    stages = Stages(model, FakePictureSource({}), decoders, batcher, ImageDecoder(1_000_000))
    worker_registry.register_worker(redis, announced(model, stages))
    messages: Any = Messages(QueryWorker(redis, stages))
    try:
        with closing(QueryClient(redis, messages, timeout=PATIENCE)) as lane:
            parts = replace(make_stage(Settings()).parts, query_client=lane)
            with TestClient(create_app(parts), "http://127.0.0.1:8080") as client:
                yield Service(client, lane, model.name, directory)
    finally:
        stages.close()


@pytest.fixture(scope="module", params=["siglip", "siglip2_fixed", "clip"])
def service(
    request: pytest.FixtureRequest, private_redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    silence_libraries()
    directory = tmp_path_factory.mktemp("models") / request.param
    directory.mkdir()
    BUILDERS[request.param](directory)
    with Redis.from_url(private_redis) as redis, running(redis, directory) as made:
        yield made
        redis.delete(WORKERS_KEY)


def test_scores_are_those_of_transformers_own_model(service: Service) -> None:
    told, _ = service.reference()
    pairs = [
        {"image_base64": encoded(picture), "text": text} for picture in pictures() for text in TEXTS
    ]
    body = service.client.post("/v1/score", json={"pairs": pairs}).json()
    assert body["failed"] == 0, body
    images = torch.nn.functional.normalize(told.image_embeds, dim=-1)
    words = torch.nn.functional.normalize(told.text_embeds, dim=-1)
    cosines = (images @ words.T).numpy().ravel()
    assert np.ptp(cosines) > 100 * CLOSE  # random, but not all alike
    results = body["results"]
    np.testing.assert_allclose([one["cosine"] for one in results], cosines, atol=CLOSE)
    expected = np.maximum(100 * cosines, 0)
    np.testing.assert_allclose([one["clip_score"] for one in results], expected, atol=100 * CLOSE)
    logits = told.logits_per_image
    scale = body["scoring"]["scale"]
    np.testing.assert_allclose(
        [one["logit"] for one in results], logits.numpy().ravel(), atol=scale * CLOSE
    )
    if body["scoring"]["kind"] == "siglip":
        likely = torch.sigmoid(logits).numpy().ravel()
        found = [one["probability"] for one in results]
        np.testing.assert_allclose(found, likely, atol=scale * CLOSE)
    else:
        assert {one["probability"] for one in results} == {None}


def test_embeddings_of_pictures_and_texts_are_unit_vectors_of_their_own_towers(
    service: Service,
) -> None:
    told, _ = service.reference()
    inputs = [
        *({"image_base64": encoded(one)} for one in pictures()),
        *({"text": one} for one in TEXTS),
    ]
    body = service.client.post("/v1/embed", json={"inputs": inputs}).json()
    found = np.array([one["embedding"] for one in body["results"]])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    expected = torch.cat([told.image_embeds, told.text_embeds]).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert (found * expected).sum(axis=1).min() >= 0.9999


def test_ready_pixels_give_the_vectors_of_their_pictures_in_one_batch_with_others(
    service: Service,
) -> None:
    told, pixels = service.reference()
    asked = [
        question
        for picture, one in zip(pictures(), pixels, strict=True)
        for question in (
            Query("image", base64.b64decode(encoded(picture))),
            Query.of_pixels(one),
        )
    ]
    answers: list[Any] = service.query_client.embed_many(service.model, asked)
    found = np.stack([answer.vector for answer in answers])
    expected = told.image_embeds.numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert (found * expected.repeat(2, axis=0)).sum(axis=1).min() >= 0.9999
