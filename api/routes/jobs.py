"""`/v1/jobs`: submit a catalog, follow it, see what failed and why, try that again, or stop it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import FormData

from api import openapi
from api.dependencies import RequestServices, Services
from api.middleware.audit import Noted
from api.requests import bodies
from api.requests.submission import Submitted, submit_items, submit_upload
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
from producer.formats import FILE_FORMATS, FORMATS
from producer.submit.retry import retry_failures
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
        "description": ", ".join(FORMATS[name].title for name in FILE_FORMATS) + ".",
    },
    "collection": {"type": "string"},
    "model": {"type": "string"},
    "format": {"type": "string", "enum": [name.value for name in FILE_FORMATS]},
    "id_column": {"type": "string"},
    "image_columns": {"type": "string", "description": "Comma-separated, or a JSON array."},
    "image_separator": {"type": "string", "description": "Between several pictures in a cell."},
    "strict": {"type": "boolean", "default": False},
    **READING_FORM,
}
LITERAL = frozenset({"model", "image_separator"})
"""Fields in which a blank means something: it separates, or it is refused rather than replaced by a default."""
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
    responses=openapi.error_responses(400, 408, 409, 413, 415, 429),
    openapi_extra=openapi.either_body(
        JobIn, FORM, required=("collection", "file"), example=_EXAMPLE
    ),
)
def submit(
    parts: RequestServices,
    noted: Noted,
    body: Annotated[bodies.Body, Depends(bodies.json_or_form)],
    response: Response,
) -> JobAccepted:
    """Items as JSON, or a catalog file as a form; the work goes on after the answer.

    Bad rows are counted and named, good ones go on, unless `strict`. Pictures are http(s) URLs. While too
    many pictures wait: 429 with Retry-After; where the catalog alone is more than may wait: 413. Either way nothing is left
    of it but a cancelled job.
    """
    submitted = _submitted(parts, body)
    noted.object = submitted.job  # It is in, whatever goes wrong from here.
    status = parts.ledger.status(submitted.job)
    noted.details |= {"collection": status.spec.collection, "images": status.images}
    response.headers["Location"] = f"/v1/jobs/{submitted.job}"
    return JobAccepted(
        job=JobOut.of(status),
        problems=[ProblemRow.of(row) for row in submitted.report.problems[:SHOWN_PROBLEMS]],
        warnings=_warnings(parts, submitted),
    )


def _submitted(parts: Services, body: bodies.Body) -> Submitted:
    if not isinstance(body, FormData):
        return submit_items(parts, bodies.from_json(JobIn, body))
    fields = bodies.from_fields(UploadIn, bodies.texts(body, literal=LITERAL))
    file = bodies.upload(body, "file")
    if file is None:
        raise bodies.refuse_field("file", "Send the catalog as the file of this name.")
    return submit_upload(parts, fields, file)


def _warnings(parts: Services, submitted: Submitted) -> list[str]:
    try:
        alive = bool(parts.query_client.workers(submitted.model))
    except VitrineError:
        # The job is in: a look at the workers that fails now must not make the client submit it again.
        return []
    if alive:
        return []
    return [
        f"No worker for the model {submitted.asked_model} is running yet; the job waits for one."
    ]


@router.get("", summary="All jobs", responses=openapi.error_responses())
def jobs(parts: RequestServices, limit: Limit = 100, offset: Offset = 0) -> JobPage:
    """Newest first; finished jobs are forgotten after some days."""
    found = parts.ledger.jobs(limit=limit + 1, offset=offset)
    return JobPage(
        jobs=[JobOut.of(status) for status in found[:limit]],
        next_offset=offset + limit if len(found) > limit else None,
    )


@router.get("/{job}", summary="One job", responses=openapi.error_responses(404))
def job_status(parts: RequestServices, job: str) -> JobOut:
    """The counts, which always add up: `embedded + failed + cancelled + pending == images`."""
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
    """By reason or host, page by page; `format=csv` streams all of them, whatever the page.

    `after` is the `next_after` of the page before; a page far behind costs no more than the first.
    """
    # The ledger streams, so it may look for the job only when the answer has already begun.
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
    """Rows of the catalog that were not taken, with their line; the first 1,000."""
    status = parts.ledger.status(job)
    rows = [ProblemRow.of(row) for row in parts.ledger.problems(job)]
    return ProblemList(rejected_rows=status.rejected_rows, problems=rows)


@router.post("/{job}/cancel", summary="Stop a job", responses=openapi.error_responses(404, 409))
def cancel(parts: RequestServices, job: str) -> JobOut:
    """What waits goes at once, what a worker holds when it is through; 409 for a finished job."""
    parts.ledger.cancel(job)
    return JobOut.of(parts.ledger.status(job))


@router.post(
    "/{job}/retry",
    status_code=202,
    summary="Try failures again",
    responses=openapi.error_responses(400, 404, 408, 409, 413),
)
def retry(parts: RequestServices, noted: Noted, job: str, which: RetryIn | None = None) -> Retried:
    """All failures, or those of a reason, a host or some items; 409 while the job is open or cancelled."""
    which = which or RetryIn()
    count = retry_failures(
        parts.ledger, parts.publisher.publish, job,
        reason=which.reason, host=which.host,
        items=None if which.items is None else frozenset(which.items),
    )  # fmt: skip
    noted.details["images"] = count
    return Retried(job=JobOut.of(parts.ledger.status(job)), images=count)
