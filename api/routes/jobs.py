"""`/v1/jobs`: submit a catalog, follow the job, list its failures, retry them, or cancel the job."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import FormData

from api import openapi
from api.dependencies import RequestServices, Services
from api.middleware.audit import Noted
from api.requests import bodies, feeds
from api.requests.submission import Submitted, submit_file, submit_items
from api.schemas.jobs import (
    SHOWN_PROBLEMS,
    FailureOut,
    FailurePage,
    JobAccepted,
    JobIn,
    JobOut,
    JobPage,
    ProblemList,
    ProblemRow,
    Retried,
    RetryIn,
    UploadIn,
)
from api.schemas.reading import READING_FORM
from producer.formats import FILE_FORMATS, FORMATS, PACKED
from producer.report import CatalogReport
from producer.submit.retry import retry_failures
from vitrine.core.broken_off import broken_off_notice
from vitrine.core.errors import VitrineError
from vitrine.core.failures_csv import failures_csv
from vitrine.core.types import FailureReason

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]
After = Annotated[int, Query(ge=-1, le=2**32)]

FORM: dict[str, Any] = {
    "file": {
        "type": "string",
        "format": "binary",
        "description": ", ".join(FORMATS[name].title for name in FILE_FORMATS)
        + f"; plain or packed ({', '.join(PACKED)}).",
    },
    "collection": {"type": "string"},
    "model": {"type": "string"},
    "format": {"type": "string", "enum": [name.value for name in FILE_FORMATS]},
    "id_column": {"type": "string"},
    "image_columns": {"type": "string", "description": "Comma-separated, or a JSON array."},
    "image_separator": {"type": "string", "description": "Separates the pictures in a cell."},
    "strict": {"type": "boolean", "default": False},
    **READING_FORM,
}
LITERAL = frozenset({"model", "image_separator"})
"""Fields in which a blank has a meaning: it is a separator, or is refused instead of replaced by a default."""
_EXAMPLE = {
    "collection": "summer",
    "items": [
        {
            "id": "sku-1042",
            "images": ["https://shop.example/1042/front.jpg"],
            "fields": {"title": "Striped shirt", "colour": "blue", "price": 29.5},
        }
    ],
}


@router.post(
    "",
    status_code=202,
    summary="Submit a catalog",
    responses=openapi.error_responses(400, 408, 409, 413, 415, 429, 502),
    dependencies=[Depends(feeds.body_slot)],
    openapi_extra=openapi.either_body(JobIn, FORM, required=("collection",), example=_EXAMPLE),
)
def submit(
    parts: RequestServices,
    noted: Noted,
    body: Annotated[bodies.Body, Depends(bodies.json_or_form)],
    response: Response,
) -> JobAccepted:
    """Submit items as JSON, or a form with a catalog file or its URL. The job is processed in the background.

    Invalid rows are counted and reported, valid ones are processed; with `strict`, any invalid row refuses the whole
    catalog. If the file breaks off (a cut-off upload, for example), the rows before are processed, and a warning says where.
    Pictures are http(s) URLs. Returns 429 with Retry-After while too many pictures are pending, and 413 if the
    catalog alone exceeds that limit. In both cases at most a cancelled job remains.
    """
    submitted = _submitted(parts, body)
    noted.object = submitted.job  # The job is submitted, even if an error follows.
    status = parts.ledger.status(submitted.job)
    noted.details |= {"collection": status.spec.collection, "images": status.images}
    response.headers["Location"] = f"/v1/jobs/{submitted.job}"
    return JobAccepted(
        job=JobOut.of(status),
        problems=[ProblemRow.of(row) for row in submitted.report.first_problems(SHOWN_PROBLEMS)],
        warnings=[*_broken_off(submitted.report), *_without_worker(parts, submitted)],
    )


def _submitted(parts: Services, body: bodies.Body) -> Submitted:
    if not isinstance(body, FormData):
        return submit_items(parts, bodies.from_json(JobIn, body))
    fields = bodies.from_fields(UploadIn, bodies.texts(body, literal=LITERAL))
    return submit_file(parts, fields, bodies.upload(body, "file"))


def _broken_off(report: CatalogReport) -> list[str]:
    return [] if report.broken_off is None else [broken_off_notice(report.broken_off)]


def _without_worker(parts: Services, submitted: Submitted) -> list[str]:
    try:
        alive = bool(parts.query_client.workers(submitted.model))
    except VitrineError:
        # The job is submitted: if the workers cannot be listed, the client must not submit it again.
        return []
    if alive:
        return []
    return [
        f"No worker for the model {submitted.asked_model} is running yet; the job waits for one."
    ]


@router.get("", summary="All jobs", responses=openapi.error_responses())
def jobs(parts: RequestServices, limit: Limit = 100, offset: Offset = 0) -> JobPage:
    """List the jobs, newest first. Finished jobs are deleted after a few days."""
    found = parts.ledger.jobs(limit=limit + 1, offset=offset)
    return JobPage(
        jobs=[JobOut.of(status) for status in found[:limit]],
        next_offset=offset + limit if len(found) > limit else None,
    )


@router.get("/{job}", summary="One job", responses=openapi.error_responses(404))
def job_status(parts: RequestServices, job: str) -> JobOut:
    """Return the job and its counts: `embedded + failed + cancelled + pending == images`."""
    return JobOut.of(parts.ledger.status(job))


@router.get(
    "/{job}/failures",
    summary="Pictures without a vector",
    response_model=FailurePage,
    responses=openapi.error_responses(404)
    | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def failures(
    *,
    parts: RequestServices,
    job: str,
    reason: FailureReason | None = None,
    host: Annotated[str | None, Query(max_length=255)] = None,
    output: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    limit: Limit = 100,
    after: After = -1,
) -> FailurePage | Response:
    """List failures page by page, optionally by reason or host; `format=csv` streams all of them and ignores the page.

    `after` is the `next_after` of the previous page; later pages cost no more than the first.
    """
    # The ledger streams, so it might look up the job only after the response has started.
    spec = parts.ledger.status(job).spec
    if output == "csv":
        return StreamingResponse(
            failures_csv(parts.ledger.failures(job, reason=reason, host=host)),
            media_type="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="failures-{spec.id}.csv"',
            },
        )
    found = parts.ledger.failures(job, reason=reason, host=host, after=after)
    page = list(islice(found, limit + 1))
    return FailurePage(
        failures=[FailureOut.of(failure) for failure in page[:limit]],
        next_after=page[limit - 1].image.ordinal if len(page) > limit else None,
    )


@router.get("/{job}/problems", summary="Rejected rows", responses=openapi.error_responses(404))
def problems(parts: RequestServices, job: str) -> ProblemList:
    """List the first 1,000 rejected rows of the catalog, with their lines, and last the place where its file broke off."""
    status = parts.ledger.status(job)
    rows = [ProblemRow.of(row) for row in parts.ledger.problems(job)]
    return ProblemList(rejected_rows=status.rejected_rows, problems=rows)


@router.post("/{job}/cancel", summary="Cancel a job", responses=openapi.error_responses(404, 409))
def cancel(parts: RequestServices, job: str) -> JobOut:
    """Cancel a job. Queued chunks are dropped immediately, running ones stop at their next step. 409 if it is finished."""
    parts.ledger.cancel(job)
    return JobOut.of(parts.ledger.status(job))


@router.post(
    "/{job}/retry",
    status_code=202,
    summary="Retry failures",
    responses=openapi.error_responses(400, 404, 408, 409, 413),
)
def retry(parts: RequestServices, noted: Noted, job: str, which: RetryIn | None = None) -> Retried:
    """Retry all failures, or those of one reason, host or some items. 409 while the job is open, or if it is cancelled."""
    which = which or RetryIn()
    count = retry_failures(
        parts.ledger, parts.publisher.publish, job,
        reason=which.reason, host=which.host,
        items=None if which.items is None else frozenset(which.items),
    )  # fmt: skip
    noted.details["images"] = count
    return Retried(job=JobOut.of(parts.ledger.status(job)), images=count)
