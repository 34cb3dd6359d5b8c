"""RunPod's serverless API: an endpoint is a model, by its canonical name or an alias.

    /run ──▶ ticket ──▶ any API process runs it ──▶ /status
    /runsync ──▶ ticket ──▶ waits for it, up to a limit ──▶ its output, or its current state

A request is a ticket in Redis (`vitrine.tickets`): it survives this process, waits while its model has no worker, and can be
cancelled and retried. `models`, `health` and the other names in `RESERVED` are not endpoints: their paths belong to the
Open Inference Protocol. Webhooks and streams are refused with an explanation.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from api import openapi
from api.dependencies import RequestServices, Services
from api.dialects.oip.bodies import Body
from api.dialects.runpod.runner import TicketRunner
from api.dialects.runpod.schemas import HealthOut, JobsOut, PurgeOut, RunIn, RunOut, WorkersOut
from api.middleware.audit import Noted
from api.middleware.body_limit import Admission, large_body_slot
from api.requests import bodies
from api.requests.model_names import ServedModel, canonical_name, find_model
from vitrine.core.errors import Conflict, NotFound, NotServed
from vitrine.tickets import NewTicket, Ticket, TicketCounts, TicketState

router = APIRouter(tags=["RunPod"])

RESERVED = frozenset(
    {"models", "health", "repository", "systemsharedmemory", "cudasharedmemory", "trace", "logging"}
)
KEPT_SECONDS = 1_800.0
"""How long the output of a /run is kept, as on RunPod."""
KEPT_SYNC_SECONDS = 300.0
"""The same for a /runsync, whose client usually has the output already; RunPod keeps these for one minute, at most five."""
WAIT_MS = 90_000
WAITERS = 64
"""Requests to /runsync that wait at the same time; the next is refused with 429."""
MAX_ID = 100


async def _waiting(request: Request) -> AsyncIterator[None]:
    admission: Admission = request.app.state.runsync_admission
    with admission:
        yield


def _endpoint(parts: RequestServices, endpoint: str) -> ServedModel:
    if endpoint in RESERVED:
        raise NotFound(
            f"{endpoint} is not an endpoint: its paths belong to the Open Inference Protocol.",
            hint="Give the model an alias in VITRINE_MODEL_ALIASES.",
        )
    try:
        return find_model(parts, endpoint)
    except NotFound:
        # Its last worker has stopped, but clients still ask for their tickets, which run once a worker is back.
        model = canonical_name(endpoint)
        if parts.tickets.counts(model) == TicketCounts():
            raise
        return ServedModel(endpoint, model, ())


async def _runner(request: Request) -> TicketRunner:
    found: TicketRunner = request.app.state.runner
    return found


Running = Annotated[TicketRunner, Depends(_runner)]
Endpoint = Annotated[ServedModel, Depends(_endpoint)]

_EXAMPLE = {"input": {"images": ["https://shop.example/1042/front.jpg"]}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/RunIn"},
                "example": _EXAMPLE,
            }
        },
    }
}
BODIES = (RunIn,)
"""Models to add to the OpenAPI document, because only a body refers to them."""


# --- submitting -----------------------------------------------------------------------------------


@router.post(
    "/v2/{endpoint}/run",
    summary="Submit a request",
    response_model=RunOut,
    responses=openapi.error_responses(404, 408, 413, 429),
    openapi_extra=_BODY,
    dependencies=[Depends(large_body_slot)],
)
def run(parts: RequestServices, named: Endpoint, body: Body) -> Response:
    """Queue a request and return immediately; `/status` has its output. Input: `images` (URLs) or `image` (base64, greyscale)."""
    ticket = _opened(parts, named, body, "", KEPT_SECONDS)
    return _json({"id": ticket, "status": TicketState.IN_QUEUE})


@router.post(
    "/v2/{endpoint}/runsync",
    summary="Submit a request and wait for it",
    response_model=RunOut,
    responses=openapi.error_responses(404, 408, 413, 429),
    openapi_extra=_BODY,
    dependencies=[Depends(large_body_slot), Depends(_waiting)],
)
def runsync(
    parts: RequestServices,
    runner: Running,
    named: Endpoint,
    body: Body,
    wait: Annotated[
        int, Query(ge=1_000, le=300_000, description="Maximum time to wait, in milliseconds.")
    ] = WAIT_MS,
) -> Response:
    """Return the request's output, or its state if the time is over; `/status` has the output later."""
    ticket = _opened(parts, named, body, "sync-", KEPT_SYNC_SECONDS)
    runner.await_end(ticket, wait / 1000)
    return _json(_told(_found(parts, named, ticket)))


def _opened(parts: Services, named: ServedModel, body: bytes, prefix: str, kept: float) -> str:
    asked = bodies.from_json(RunIn, body)
    ticket = f"{prefix}{uuid.uuid4()}"
    parts.tickets.open(
        NewTicket(
            ticket,
            named.model,
            orjson.dumps(asked.input),
            run_seconds=asked.policy.execution_timeout / 1000,
            ttl=asked.policy.ttl / 1000,
            keep_seconds=kept,
            low=asked.policy.low_priority,
        )
    )
    return ticket


# --- one request ----------------------------------------------------------------------------------


@router.get(
    "/v2/{endpoint}/status/{ticket}",
    summary="State of a request",
    response_model=RunOut,
    responses=openapi.error_responses(404),
)
def status(parts: RequestServices, named: Endpoint, ticket: str) -> Response:
    """Return the request, with its output or error once it has ended. They are kept for 30 minutes (/run) or 5 (/runsync)."""
    return _json(_told(_found(parts, named, ticket)))


@router.post(
    "/v2/{endpoint}/cancel/{ticket}",
    summary="Cancel a request",
    response_model=RunOut,
    responses=openapi.error_responses(404),
)
def cancel(parts: RequestServices, named: Endpoint, ticket: str) -> Response:
    """Cancel a request: a queued one is not started, a running one stops after its current group of pictures, an ended one is unchanged."""
    state = parts.tickets.cancel(named.model, ticket[:MAX_ID])
    if state is None:
        raise _unknown(named, ticket)
    return _json({"id": ticket, "status": state})


@router.post(
    "/v2/{endpoint}/retry/{ticket}",
    summary="Retry a request",
    response_model=RunOut,
    responses=openapi.error_responses(404, 409),
)
def retry(parts: RequestServices, named: Endpoint, ticket: str) -> Response:
    """Queue a request that failed or timed out again, under the same id; 409 for any other."""
    before = parts.tickets.retry(named.model, ticket[:MAX_ID])
    if before is None:
        raise _unknown(named, ticket)
    if before not in {TicketState.FAILED, TicketState.TIMED_OUT}:
        raise Conflict(f"The request is {before}; only a FAILED or TIMED_OUT one can be retried.")
    return _json({"id": ticket, "status": TicketState.IN_QUEUE})


@router.get("/v2/{endpoint}/stream/{ticket}", include_in_schema=False)
@router.post("/v2/{endpoint}/stream/{ticket}", include_in_schema=False)
def stream(named: Endpoint, ticket: str) -> None:
    """Refuse to stream: a request returns all its vectors together."""
    raise NotServed("Output is not streamed.", hint=f"Ask for it: /v2/{named.name}/status/{ticket}")


def _found(parts: Services, named: ServedModel, ticket: str) -> Ticket:
    found = parts.tickets.get(named.model, ticket[:MAX_ID])
    if found is None:
        raise _unknown(named, ticket)
    return found


def _unknown(named: ServedModel, ticket: str) -> NotFound:
    return NotFound(
        f"The endpoint {named.name} has no request {ticket[:MAX_ID]}.",
        hint="A result is kept for at most half an hour.",
    )


def _told(ticket: Ticket) -> dict[str, Any]:
    told: dict[str, Any] = {"id": ticket.id, "status": ticket.state}
    if ticket.output is not None:
        told["output"] = orjson.Fragment(ticket.output)
    if ticket.error is not None:
        told["error"] = ticket.error
    if ticket.begun is not None:
        told["delayTime"] = _ms(ticket.begun - ticket.opened)
        if ticket.ended is not None:
            told["executionTime"] = _ms(ticket.ended - ticket.begun)
    return told


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), media_type="application/json")


# --- the endpoint ---------------------------------------------------------------------------------


@router.post(
    "/v2/{endpoint}/purge-queue", summary="Empty the queue", responses=openapi.error_responses(404)
)
def purge(parts: RequestServices, named: Endpoint, noted: Noted) -> PurgeOut:
    """Cancel all requests that have not been started."""
    noted.object = named.model
    return PurgeOut(removed=parts.tickets.purge(named.model))


@router.get(
    "/v2/{endpoint}/health", summary="Requests and workers", responses=openapi.error_responses(404)
)
def health(parts: RequestServices, named: Endpoint) -> HealthOut:
    """Return counts of the requests for a model, under all its names, and of its workers."""
    counts = parts.tickets.counts(named.model)
    running = min(counts.in_progress, len(named.workers))
    return HealthOut(
        jobs=JobsOut(
            completed=counts.completed,
            failed=counts.failed,
            inProgress=counts.in_progress,
            inQueue=counts.in_queue,
            retried=counts.retried,
        ),
        workers=WorkersOut(
            idle=len(named.workers) - running, ready=len(named.workers), running=running
        ),
    )
