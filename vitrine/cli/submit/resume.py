"""`vitrine submit FILE --resume JOB`: what the job says stands; an option given again has to say the same."""

from __future__ import annotations

from producer import CatalogOptions, ResumedJob, options_from_json
from vitrine.core.errors import BadInput
from vitrine.core.types import model_name
from vitrine.ledger.base import Ledger


def resume_job(
    ledger: Ledger, job: str, *, collection: str | None, model: str | None, given: CatalogOptions
) -> tuple[ResumedJob, CatalogOptions]:
    """What the job has already and how its catalog is read.

    Raises `NotFound`, `Conflict` for a job that cannot be taken up, `BadInput` for an option that contradicts it.
    """
    begun = ResumedJob(ledger, job)
    _check("collection", collection, begun.spec.collection)
    _check("model", None if model is None else model_name(model), begun.spec.model)
    return begun, options_from_json(begun.spec.reading, given)


def _check(what: str, given: str | None, begun_with: str) -> None:
    if given not in (None, begun_with):
        raise BadInput(
            f"The job was begun with the {what} {begun_with}, not {given}.",
            hint="Leave the option out.",
        )
