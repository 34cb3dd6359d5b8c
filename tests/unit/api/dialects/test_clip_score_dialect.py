"""The CLIP-score service's routes, called as its clients call them."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.api.api_fixture import SPACE, Stage
from vitrine.core.errors import LedgerUnavailable, ModelUnavailable
from vitrine.core.types import FailureReason
from vitrine.query.client import UnusablePicture
from vitrine.testing.fake_query_client import fake_worker

URL, GONE = "https://shop.example/shirt.jpg", "https://shop.example/gone.jpg"


def unit(*numbers: float) -> Any:
    vector = np.zeros(16, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


@pytest.fixture(autouse=True)
def _vectors(stage: Stage) -> None:
    gone = UnusablePicture(FailureReason.NOT_FOUND, "the host answered 404")
    stage.query_client.known.update(
        {URL.encode(): unit(1), b"shirt": unit(1), b"striped": unit(3, 4), b"red": unit(-3, 4)}
    )
    stage.query_client.known[GONE.encode()] = gone
    stage.query_client.known[b"slow"] = ModelUnavailable("No worker answered within 20 s.")


def single(stage: Stage, image: str = URL, text: str = "striped", **more: Any) -> Any:
    body = {"image_input": image, "text_prompt": text, **more}
    return stage.client.post("/evaluator/v1/evaluation/single", json=body)


def error_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["detail"]
    told: str = answer.json()["detail"]
    return told


@pytest.mark.parametrize("name", [None, "", "default", "builtin"])
def test_a_pair_gets_its_score_and_what_it_was(stage: Stage, name: str | None) -> None:
    answer = single(stage, model_config_name=name)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.pop("clip_score") == pytest.approx(60, abs=1e-4)
    assert told.pop("processing_time_ms") >= 0
    assert told == {"image_input": URL, "text_prompt": "striped", "model_used": "builtin"}
    assert single(stage, text="red").json()["clip_score"] == 0


def test_a_picture_comes_as_base64_too_and_only_its_beginning_goes_back(stage: Stage) -> None:
    data = base64.b64encode(b"shirt").decode()
    assert single(stage, data).json()["clip_score"] == pytest.approx(60, abs=1e-4)
    long = base64.b64encode(b"\x00" * 6000).decode()
    assert len(single(stage, long).json()["image_input"]) == 65


def test_a_batch_names_what_failed_beside_what_did_not(stage: Stage) -> None:
    images = [URL, GONE, "/etc/passwd", URL]
    texts = ["striped", "striped", "striped", "slow"]
    evaluations = [
        {"image_input": image, "text_prompt": text}
        for image, text in zip(images, texts, strict=True)
    ]
    body = {"evaluations": evaluations, "batch_size": 2}
    told = stage.client.post("/evaluator/v1/evaluation/batch", json=body).json()
    scores = [one["clip_score"] for one in told["results"]]
    assert scores[0] == pytest.approx(60, abs=1e-4)
    assert scores[1:] == [None, None, None]
    errors = [one.get("error", "") for one in told["results"]]
    assert errors[1] == "not_found: the host answered 404"
    assert errors[2] == "not_an_image: it is not base64"
    assert errors[3].startswith("model_unavailable: No worker answered")
    assert (told["total_evaluations"], told["successful"], told["failed"]) == (4, 1, 3)
    assert told["model_used"] == "builtin"


def test_a_single_that_fails_says_why(stage: Stage) -> None:
    assert "not_found" in error_of(single(stage, GONE), 400)
    assert "not base64" in error_of(single(stage, "/etc/passwd"), 400)
    assert "No worker answered" in error_of(single(stage, text="slow"), 503)
    assert "There is no model nope" in error_of(single(stage, model_config_name="nope"), 404)
    assert "text_prompt" in error_of(single(stage, text=""), 400)


def test_a_batch_is_of_one_model(stage: Stage) -> None:
    stage.query_client.crew.append(fake_worker(replace(SPACE, model="clip"), node="second"))
    pair = {"image_input": URL, "text_prompt": "striped"}
    evaluations = [pair, {**pair, "model_config_name": "clip"}]
    answer = stage.client.post("/evaluator/v1/evaluation/batch", json={"evaluations": evaluations})
    assert "the same model" in error_of(answer, 400)


@pytest.mark.parametrize("path", ["/evaluator/health", "/system/health"])
def test_health_is_whether_a_score_would_work(stage: Stage, path: str) -> None:
    stage.query_client.failure = LedgerUnavailable("Redis does not answer (ConnectionError).")
    answer = stage.client.get(path)
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert "Redis" in answer.json()["detail"]


def test_health_documentation_and_metrics_are_where_clients_look(stage: Stage) -> None:
    assert stage.client.get("/evaluator/health").json() == {"status": "healthy"}
    for path, there in (("/evaluator/docs", "/docs"), ("/evaluator/metrics", "/metrics")):
        answer = stage.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (307, there)
        assert stage.client.get(path).status_code == 200
