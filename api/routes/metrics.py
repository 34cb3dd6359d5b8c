"""`/metrics` for Prometheus, and `/v1/metrics/targets`: the addresses of the workers' metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from pydantic import BaseModel, Field

from api import openapi
from api.dependencies import RequestServices
from api.metrics import ApiMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/, in the version that every Prometheus reads."""

router = APIRouter(tags=["health"])


class TargetOut(BaseModel):
    """A worker as a target, in the form of Prometheus' HTTP service discovery."""

    targets: list[str] = Field(examples=[["worker-7:9100"]])
    labels: dict[str, str] = Field(examples=[{"model": "builtin", "device": "cpu"}])


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=PlainTextResponse,
    responses={
        **openapi.error_responses(),
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
def metrics(request: Request) -> PlainTextResponse:
    """Return metrics of this API process's requests, and of the service's queues, chunks and workers."""
    told: ApiMetrics = request.app.state.metrics
    return PlainTextResponse(generate_latest(told.registry), media_type=CONTENT_TYPE)


@router.get(
    "/v1/metrics/targets",
    summary="Prometheus targets of the workers",
    responses=openapi.error_responses(),
)
def targets(parts: RequestServices) -> list[TargetOut]:
    """List the workers that are alive, on any host, for `http_sd_configs` of Prometheus."""
    return [
        TargetOut(
            targets=[worker.metrics],
            labels={"node": worker.node, "model": worker.model, "device": worker.device},
        )
        for worker in parts.query_client.workers()
        if worker.metrics is not None
    ]
