"""A body to a job: the producer's work, called from a route; what the HTTP side alone decides is here.

That is: which model a job gets when none was named, and that nothing of the server's own files is ever read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.datastructures import UploadFile

from api.dependencies import Services
from api.schemas.jobs import JobIn, UploadIn
from api.schemas.preview import PreviewIn
from producer.catalog import Catalog, CatalogOptions, catalog_of, open_catalog
from producer.decompression_limit import DecompressionLimit
from producer.report import CatalogReport
from producer.source import Source, from_stream
from producer.submit.backpressure import refuse_when_full
from producer.submit.submission import Submission, inspect, refuse_flawed
from vitrine.core.errors import BadInput, Conflict, NotFound, VitrineError
from vitrine.core.settings import Settings
from vitrine.core.types import JobSpec, is_collection_name, model_name, new_job_id

MAX_SOURCE_CHARS = 255
UNFOLDED = 16
"""Times the largest upload to which a packed one may unfold: 4 GiB by default, more than gzip makes of a real catalog."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that is in the ledger, and what became of its rows."""

    job: str
    model: str
    asked_model: str
    report: CatalogReport


def submit_items(parts: Services, body: JobIn) -> Submitted:
    """Submit the items of a JSON body; raises what `_submit` raises."""
    rows = [{"id": item.id, "images": item.images, **_fields(item.fields)} for item in body.items]
    options = CatalogOptions(id="id", images=("images",), places=parts.settings.request_places)
    return _submit(
        parts, lambda: catalog_of(rows, options, name="items"),
        body.collection, body.model, source="items over HTTP", strict=body.strict,
    )  # fmt: skip


def submit_upload(parts: Services, body: UploadIn, file: UploadFile) -> Submitted:
    """Submit an uploaded catalog; raises what `_submit` raises."""
    source = source_of(file, parts.settings)
    options = replace(options_of(body), places=parts.settings.request_places)
    return _submit(
        parts, lambda: open_catalog(source, options),
        body.collection, body.model, source=source.name, strict=body.strict,
    )  # fmt: skip


def source_of(file: UploadFile, settings: Settings) -> Source:
    """The uploaded catalog, which can be opened again, and unfolds no further than a catalog does."""
    unfold = DecompressionLimit(UNFOLDED * settings.max_upload_bytes)
    return from_stream(file.file, _name_of(file), unfold=unfold)


def options_of(body: UploadIn | PreviewIn) -> CatalogOptions:
    """How the form says that its catalog is read; pictures are never files of this machine."""
    return CatalogOptions(
        format=body.format,
        id=body.id_column,
        images=tuple(body.image_columns),
        image_separator=body.image_separator,
    )


def _name_of(file: UploadFile) -> str:
    """The last part of the name the client gave: it is told in problems, and its suffix names the format."""
    name = os.path.basename((file.filename or "").replace("\\", "/"))
    return "".join(filter(str.isprintable, name))[-MAX_SOURCE_CHARS:] or "upload"


def _fields(fields: dict[str, object]) -> dict[str, object]:
    taken = {"id", "images"} & fields.keys()
    if taken:
        raise BadInput(
            f"A field of an item is called {min(taken)!r}, which the item itself has already.",
            hint="Give the field another name.",
        )
    return fields


def _submit(
    parts: Services,
    opened: Callable[[], Catalog],
    collection: str,
    model: str | None,
    *,
    source: str,
    strict: bool,
) -> Submitted:
    """Validate and submit.

    Raises `BadInput` (no catalog, no good row, a bad row under `strict`), `QueueFull`, `CatalogTooLarge`, `Conflict` (a collection
    of another model), `LedgerUnavailable` or `StoreUnavailable`. Whatever ends it half-way cancels the job.
    """
    asked = _asked_model(parts, collection, model)
    limit = parts.settings.max_pending_images
    # Before the file is read: a full queue is no reason to look at a million rows first.
    refuse_when_full(parts.ledger, limit, lambda name: _is_served(parts, name))
    if strict:
        with opened() as catalog:
            refuse_flawed(inspect(catalog))
    spec = JobSpec(
        new_job_id(), collection, model_name(asked), source, time.time(), asked_model=asked
    )
    submission = Submission(spec, parts.ledger, parts.publisher.publish, max_pending=limit)
    with opened() as catalog:
        report = submission.run(catalog)
    return Submitted(spec.id, spec.model, asked, report)


def _is_served(parts: Services, model: str) -> bool:
    try:
        return bool(parts.query_client.workers(model))
    except VitrineError:
        return True  # a ledger that does not answer is no missing worker


def _asked_model(parts: Services, collection: str, model: str | None) -> str:
    """The model asked for, as it was; else the collection's own, else the API's default."""
    if not is_collection_name(collection):
        raise BadInput(
            f"A collection cannot be called {collection[:80]!r}.",
            hint="Use lowercase letters, digits, - and _, at most 63, beginning with a letter or digit.",
        )
    if model is not None and not model.strip():
        raise BadInput("A model without a name was given.", hint="Name it, or leave the field out.")
    try:
        present = parts.store.describe(collection).space.model
    except NotFound:
        return model or parts.settings.model
    if model is not None and model_name(model) != present:
        raise Conflict(
            f"Collection {collection} uses model {present}, not {model_name(model)}.",
            hint="Leave the model out, or choose another collection.",
        )
    return present if model is None else model
