"""The CLIP-score service's routes: how well a picture matches a text, as 100 times their cosine, at least 0.

`model_config_name` is the name or alias of a running model; `default`, or no value, is the one that runs. `image_input` is a
URL or base64; paths are not accepted, because they would name files of this machine. `batch_size` is accepted and ignored:
the workers batch the inputs of all clients together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from api import openapi
from api.dependencies import RequestServices, Services
from api.dialects.clip_score.schemas import (
    BatchIn,
    BatchOut,
    EvaluationIn,
    EvaluationOut,
    EvaluatorHealth,
    FailedEvaluationOut,
)
from api.embedding import choose_model, embed_questions
from api.middleware.body_limit import large_body_slot, search_slot
from api.problems import problem
from api.readiness import Readiness
from api.requests import bodies
from api.requests.image_inputs import Asked, by_base64, by_text, by_url
from api.routes.score import scores
from api.schemas.embed import PairError, ScoreOut
from vitrine.core.errors import BadInput, ModelUnavailable
from vitrine.core.schemes import is_allowed_in_requests

BODIES = (EvaluationIn, BatchIn)
"""Models to add to the OpenAPI document, because the routes parse these bodies themselves."""

router = APIRouter(tags=["CLIP score"])

_SINGLE = {"image_input": "https://shop.example/1042/front.jpg", "text_prompt": "a striped shirt"}
_KEPT = 4096
"""Length up to which a picture's field is returned in full: any URL, but not base64."""


@router.post(
    "/evaluator/v1/evaluation/single",
    summary="Score one picture against a text",
    responses=openapi.error_responses(400, 404, 408, 409, 413, 415, 429),
    openapi_extra=openapi.json_body(EvaluationIn, example=_SINGLE),
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
def single(
    parts: RequestServices, body: Annotated[bytes, Depends(bodies.json_only)]
) -> EvaluationOut:
    """Score one pair; a 400 says why it cannot be scored."""
    asked = bodies.from_json(EvaluationIn, body)
    (outcome,), model, took = _scored(parts, [asked])
    if outcome.error is not None:
        raise _error(outcome.error)
    return _evaluation(asked, outcome, model, took)


@router.post(
    "/evaluator/v1/evaluation/batch",
    summary="Score many pictures against their texts",
    responses=openapi.error_responses(400, 404, 408, 409, 413, 415, 429),
    openapi_extra=openapi.json_body(BatchIn, example={"evaluations": [_SINGLE]}),
    dependencies=[Depends(search_slot), Depends(large_body_slot)],
)
def batch(parts: RequestServices, body: Annotated[bytes, Depends(bodies.json_only)]) -> BatchOut:
    """Score many pairs; outcomes are in the same order, with an `error` instead of a score for each pair that fails."""
    asked = bodies.from_json(BatchIn, body)
    if len({one.model_config_name for one in asked.evaluations}) > 1:
        raise bodies.refuse_field("evaluations", "All of them must name the same model.")
    outcomes, model, took = _scored(parts, asked.evaluations)
    each = took / len(outcomes)
    results: list[EvaluationOut | FailedEvaluationOut] = [
        _evaluation(one, outcome, model, each)
        if outcome.error is None
        else _failed(one, outcome.error)
        for one, outcome in zip(asked.evaluations, outcomes, strict=True)
    ]
    failed = sum(isinstance(one, FailedEvaluationOut) for one in results)
    return BatchOut(
        results=results,
        total_evaluations=len(results),
        successful=len(results) - failed,
        failed=failed,
        total_processing_time_ms=round(took, 2),
        model_used=model,
    )


def _scored(parts: Services, asked: Sequence[EvaluationIn]) -> tuple[list[ScoreOut], str, float]:
    """Return the outcomes, the model, and the total time in milliseconds."""
    name = asked[0].model_config_name
    model = choose_model(parts, None if name in {None, "", "default"} else name)
    pictures = [_picture(one.image_input) for one in asked]
    started = time.perf_counter()
    found = embed_questions(parts, model, [*pictures, *(by_text(one.text_prompt) for one in asked)])
    took = 1000 * (time.perf_counter() - started)
    return scores(found, model.worker().scoring, took).results, model.name, took


def _picture(given: str) -> Asked:
    return by_url(given) if is_allowed_in_requests(given) else by_base64(given)


def _evaluation(
    asked: EvaluationIn, outcome: ScoreOut, model: str, took_ms: float
) -> EvaluationOut:
    return EvaluationOut(
        image_input=_said_back(asked.image_input),
        text_prompt=asked.text_prompt,
        clip_score=outcome.clip_score or 0.0,
        processing_time_ms=round(took_ms, 2),
        model_used=model,
    )


def _failed(asked: EvaluationIn, error: PairError) -> FailedEvaluationOut:
    told = f"{error.code}: {error.message}"
    return FailedEvaluationOut(
        image_input=_said_back(asked.image_input), text_prompt=asked.text_prompt, error=told
    )


def _said_back(image_input: str) -> str:
    return image_input if len(image_input) <= _KEPT else f"{image_input[:64]}…"


def _error(error: PairError) -> BadInput | ModelUnavailable:
    kind = ModelUnavailable if error.code == ModelUnavailable.code else BadInput
    return kind(f"The {error.part} has no embedding ({error.code}): {error.message}")


# --- health and redirects ---------------------------------------------------------------------------


@router.get(
    "/evaluator/health",
    summary="Readiness",
    response_model=EvaluatorHealth,
    responses=openapi.error_responses(),
)
@router.get(
    "/system/health",
    summary="Readiness",
    response_model=EvaluatorHealth,
    responses=openapi.error_responses(),
)
async def health(request: Request) -> Response:
    """Return whether scoring would work, like `/readyz`; 503 if not."""
    readiness: Readiness = request.app.state.readiness
    report = await readiness.report()
    if not report.ready:
        return problem(503, "not_ready", report.wrong)
    return JSONResponse({"status": "healthy"})


@router.get("/evaluator/docs", include_in_schema=False)
async def docs() -> Response:
    """Redirect to the documentation."""
    return RedirectResponse("/docs")


@router.get("/evaluator/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Redirect to the metrics."""
    return RedirectResponse("/metrics")
