"""`POST /v1/score`: how well each picture matches its text, by the model's own measures."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends

from api import openapi
from api.dependencies import RequestServices
from api.embedding import EmbeddedAnswers, choose_model, embed_questions
from api.middleware.body_limit import large_body_slot, search_slot
from api.requests import bodies
from api.requests.image_inputs import Asked, EmbedOptions, by_base64, by_text, by_url
from api.schemas.base import SpaceOut
from api.schemas.embed import (
    ItemError,
    PairError,
    PairIn,
    ScoreIn,
    ScoreOut,
    ScoresOut,
    ScoringOut,
)
from vitrine.core.scoring import Scoring
from vitrine.query.client import QueryAnswer, QueryVector

router = APIRouter(tags=["embeddings"])

_EXAMPLE = {
    "pairs": [{"image_url": "https://shop.example/1042/front.jpg", "text": "a striped shirt"}]
}


@router.post(
    "/v1/score",
    summary="Score pictures against texts",
    responses=openapi.error_responses(400, 404, 408, 409, 413, 415, 429),
    openapi_extra=openapi.json_body(ScoreIn, example=_EXAMPLE),
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
def score(parts: RequestServices, body: Annotated[bytes, Depends(bodies.json_only)]) -> ScoresOut:
    """Score up to 500 pairs. A picture or text that occurs in several pairs is embedded once.

    Requires a model with a text tower. `probability` is SigLIP's value for the pair alone; CLIP compares texts with
    each other, for which it returns a `logit`. A pair that fails gets an error and does not affect the others.
    """
    asked = bodies.from_json(ScoreIn, body)
    how = EmbedOptions(fresh=asked.fresh)
    pictures = [_picture(pair, number, how) for number, pair in enumerate(asked.pairs)]
    started = time.perf_counter()
    model = choose_model(parts, asked.model)
    texts = [by_text(pair.text) for pair in asked.pairs]
    found = embed_questions(parts, model, [*pictures, *texts], timeout=asked.timeout)
    took = round(1000 * (time.perf_counter() - started), 2)
    return scores(found, model.worker().scoring, took)


def _picture(pair: PairIn, number: int, how: EmbedOptions) -> Asked:
    if (pair.image_url is None) == (pair.image_base64 is None):
        raise bodies.refuse_field(
            f"pairs[{number}]", "Give exactly one of image_url and image_base64."
        )
    if pair.image_url is not None:
        return by_url(pair.image_url, how)
    return by_base64(pair.image_base64 or "", how)


def scores(found: EmbeddedAnswers, scoring: Scoring | None, took_ms: float) -> ScoresOut:
    """Return the outcomes of n pairs; `found` holds the n pictures' answers, then the n texts' answers in the same order."""
    half = len(found.answers) // 2
    pairs = zip(found.answers[:half], found.answers[half:], strict=True)
    results = [_score(index, *pair, scoring) for index, pair in enumerate(pairs)]
    failed = sum(one.error is not None for one in results)
    return ScoresOut(
        space=SpaceOut.of(found.space),
        scoring=None if scoring is None else ScoringOut.of(scoring),
        scored=half - failed,
        failed=failed,
        took_ms=took_ms,
        results=results,
    )


def _score(
    index: int, picture: QueryAnswer, text: QueryAnswer, scoring: Scoring | None
) -> ScoreOut:
    numbers: dict[str, Any] = dict.fromkeys(("cosine", "clip_score", "logit", "probability"))
    if isinstance(picture, QueryVector) and isinstance(text, QueryVector):
        cosine = float(np.dot(picture.vector.astype(np.float64), text.vector))
        return ScoreOut(index=index, error=None, **numbers | score_measures(cosine, scoring))
    told = _failed("text", text) if isinstance(picture, QueryVector) else _failed("image", picture)
    return ScoreOut(index=index, error=told, **numbers)


def _failed(part: Literal["image", "text"], answer: QueryAnswer) -> PairError:
    assert not isinstance(answer, QueryVector)  # noqa: S101 - one of the two failed, and it is not the other
    return PairError(part=part, **ItemError.of(answer).model_dump())


def score_measures(cosine: float, scoring: Scoring | None) -> dict[str, float]:
    """Return the measures of a cosine: always `cosine` and `clip_score`, the others if the model has them."""
    told = {"cosine": cosine, "clip_score": max(100.0 * cosine, 0.0)}
    if scoring is None:
        return told
    alone = np.array([cosine])
    told["logit"] = float(scoring.logits(alone)[0])
    if scoring.kind == "siglip":
        told["probability"] = float(scoring.probabilities(alone)[0])
    return told
