"""`/v1/jobs/{job}/failures/summary`: the number of failed pictures by reason and host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from fastapi import APIRouter

from api import openapi
from api.dependencies import RequestServices
from api.schemas.failures import FailureGroup, FailureSummary
from vitrine.core.types import Failure

COUNTED = 20_000
"""Failures that are read, one by one; 20,000 take about a third of a second."""
GROUPS = 200
"""Groups that are returned, the largest first."""

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get(
    "/{job}/failures/summary",
    summary="Failures by reason and host",
    responses=openapi.error_responses(404),
)
def failure_summary(parts: RequestServices, job: str) -> FailureSummary:
    """Group the failures (at most the first 20,000) by reason and host, the largest group first."""
    status = parts.ledger.status(job)
    failures = list(islice(parts.ledger.failures(job), COUNTED))
    groups = group_failures(failures)
    return FailureSummary(
        failed=status.failed,
        counted=len(failures),
        groups=groups[:GROUPS],
        more_groups=max(0, len(groups) - GROUPS),
    )


def group_failures(failures: Iterable[Failure]) -> list[FailureGroup]:
    """Return the failures grouped by reason and host, each group with its first failure as an example."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], Failure] = {}
    for failure in failures:
        group = failure.reason.value, failure.image.host
        counts[group] += 1
        examples.setdefault(group, failure)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [FailureGroup.of(examples[group], pictures) for group, pictures in ordered]
