"""`/v1/system`: the state of the whole service, for the System page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query

from api import openapi
from api.dependencies import RequestServices, Services
from api.schemas.inventory import WorkerOut
from api.schemas.system import MinuteOut, QueueOut, SystemOut
from vitrine import __version__
from vitrine.core.errors import NotFound
from vitrine.core.types import model_name
from vitrine.ledger.outcome_rate import KEPT_MINUTES
from vitrine.messaging.worker_registry import WorkerInfo

JOBS_LOOKED_AT = 100
"""Unfinished jobs whose models are listed, with workers or without."""

router = APIRouter(tags=["inventory"])


@router.get("/v1/system", summary="State of the service", responses=openapi.error_responses())
def system(
    parts: RequestServices, minutes: Annotated[int, Query(ge=1, le=KEPT_MINUTES)] = 60
) -> SystemOut:
    """Return the workers, the queue lengths, and the pictures processed in each of the last minutes."""
    crew = parts.query_client.workers()
    jobs = parts.ledger.active_jobs()
    settings = parts.settings
    return SystemOut(
        version=__version__,
        workers=[WorkerOut.of(worker) for worker in crew],
        queues=queues(parts, crew, jobs),
        active_jobs=len(jobs),
        pending_images=parts.ledger.pending_images(),
        max_pending_images=settings.max_pending_images,
        minutes=[MinuteOut.of(minute) for minute in parts.ledger.outcomes(minutes)],
        flower_url=settings.flower_url,
        grafana_url=settings.grafana_url,
    )


def queues(parts: Services, crew: Sequence[WorkerInfo], jobs: Sequence[str]) -> list[QueueOut]:
    """Return the queues of each model that has workers or unfinished jobs, and of the API's default model."""
    workers = Counter(worker.model for worker in crew)
    waited_for = {model_name(parts.settings.model)}
    for job in jobs[:JOBS_LOOKED_AT]:
        with suppress(NotFound):  # It expired a moment ago.
            waited_for.add(parts.ledger.status(job).spec.model)
    models = sorted(waited_for.union(workers))
    return [QueueOut.of(depth, workers[depth.model]) for depth in parts.publisher.waiting(models)]
