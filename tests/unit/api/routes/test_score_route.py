from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.api.api_fixture import Stage, problem_of
from vitrine.core.errors import BadInput
from vitrine.core.scoring import Scoring
from vitrine.core.types import FailureReason
from vitrine.query.client import UnusablePicture

PICTURE = base64.b64encode(b"shirt").decode()
SIGLIP, CLIP = Scoring("siglip", 10.0, -5.0), Scoring("clip", 100.0, 0.0)


def unit(*numbers: float) -> Any:
    vector = np.zeros(16, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


@pytest.fixture(autouse=True)
def _vectors(stage: Stage) -> None:
    """A picture, and texts at cosines 0.6 and -0.6 from it."""
    known = {b"shirt": unit(1, 0), b"striped": unit(3, 4), b"not at all": unit(-3, 4)}
    stage.query_client.known.update(known)
    gone = UnusablePicture(FailureReason.NOT_FOUND, "the host answered 404")
    stage.query_client.known[b"https://shop.example/gone.jpg"] = gone
    stage.query_client.known[b"unsayable"] = BadInput("The words cannot be read.")


def score(stage: Stage, *texts: str) -> dict[str, Any]:
    pairs = [{"image_base64": PICTURE, "text": text} for text in texts]
    answer = stage.client.post("/v1/score", json={"pairs": pairs})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def scoring(stage: Stage, told: Scoring | None) -> None:
    stage.query_client.crew = [replace(worker, scoring=told) for worker in stage.query_client.crew]


def test_a_clip_score_is_a_hundred_cosines_and_never_below_zero(stage: Stage) -> None:
    body = score(stage, "striped", "not at all")
    good, bad = body["results"]
    assert good["cosine"] == pytest.approx(0.6, abs=1e-6)
    assert good["clip_score"] == pytest.approx(60, abs=1e-4)
    assert bad["cosine"] == pytest.approx(-0.6, abs=1e-6)
    assert bad["clip_score"] == 0
    assert (good["logit"], good["probability"], body["scoring"]) == (None, None, None)
    assert (body["scored"], body["failed"]) == (2, 0)


def test_a_siglip_says_how_likely_each_pair_is(stage: Stage) -> None:
    scoring(stage, SIGLIP)
    body = score(stage, "striped")
    assert body["scoring"] == {"kind": "siglip", "scale": 10.0, "bias": -5.0}
    assert body["results"][0]["logit"] == pytest.approx(1.0, abs=1e-5)
    assert body["results"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)


def test_a_clip_has_a_logit_and_says_nothing_of_a_pair_alone(stage: Stage) -> None:
    scoring(stage, CLIP)
    one = score(stage, "striped")["results"][0]
    assert one["logit"] == pytest.approx(60, abs=1e-4)
    assert one["probability"] is None


def test_a_picture_that_is_in_many_pairs_is_embedded_once(stage: Stage) -> None:
    score(stage, "striped", "not at all", "striped")
    assert sorted(query.data for _, query in stage.query_client.asked) == [
        b"not at all", b"shirt", b"striped",
    ]  # fmt: skip


def test_a_pair_that_fails_says_which_part_and_fails_no_other(stage: Stage) -> None:
    gone = "https://shop.example/gone.jpg"
    pairs = [
        {"image_url": gone, "text": "striped"},
        {"image_base64": PICTURE, "text": "unsayable"},
        {"image_base64": PICTURE, "text": "striped"},
        {"image_url": gone, "text": "unsayable"},
    ]
    body = stage.client.post("/v1/score", json={"pairs": pairs}).json()
    told = [
        one["error"] and (one["error"]["part"], one["error"]["code"]) for one in body["results"]
    ]
    assert told == [("image", "not_found"), ("text", "bad_input"), None, ("image", "not_found")]
    assert [one["clip_score"] is None for one in body["results"]] == [True, True, False, True]
    assert (body["scored"], body["failed"]) == (1, 3)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "pairs"),
        ({"pairs": []}, "pairs"),
        ({"pairs": [{"text": "a"}]}, "pairs[0]"),
        (
            {"pairs": [{"image_url": "https://h/1", "image_base64": "AA==", "text": "a"}]},
            "pairs[0]",
        ),
        ({"pairs": [{"image_url": "https://h/1"}]}, "pairs[0].text"),
        ({"pairs": [{"image_url": "https://h/1", "text": "a"}] * 501}, "pairs"),
    ],
    ids=["nothing", "none", "no picture", "two pictures", "no text", "too many"],
)
def test_what_is_no_pair_is_named(stage: Stage, body: dict[str, Any], field: str) -> None:
    answer = stage.client.post("/v1/score", json=body)
    assert problem_of(answer, 422, "bad_input")["errors"][0]["field"] == field


def test_a_form_is_not_taken(stage: Stage) -> None:
    answer = stage.client.post("/v1/score", files={"image": ("a", b"a")})
    problem_of(answer, 415, "unsupported_media_type")
