"""`/healthz` (is the process alive?) and `/readyz` (would a search work?)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import openapi
from api.problems import RETRY_AFTER_SECONDS, problem
from api.readiness import Readiness
from api.schemas.inventory import Alive, Ready

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Liveness")
async def healthz() -> Alive:
    """Return 200 while the process runs. It checks nothing else: restarting the API does not repair a Redis that is down."""
    return Alive()


@router.get(
    "/readyz",
    summary="Readiness",
    response_model=Ready,
    responses=openapi.error_responses(),
)
async def readyz(request: Request) -> Ready | Response:
    """Check the ledger, the store, and every model that has workers, with a canary picture.

    503 says what is wrong. The API's default model must have a worker. Results are cached for a few seconds.
    """
    readiness: Readiness = request.app.state.readiness
    report = await readiness.report()
    if report.ready:
        return Ready(status="ready", checks=dict(report.checks), notices=dict(report.notices))
    return problem(
        503, "not_ready", report.wrong,
        headers={"Retry-After": f"{RETRY_AFTER_SECONDS:.0f}"}, checks=dict(report.checks),
        notices=dict(report.notices),
    )  # fmt: skip
