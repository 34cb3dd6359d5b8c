"""Submission of a body as a job: calls the producer, and makes the decisions that are specific to HTTP.

These are the model of a job that names none, and that no file of the server is read except the pictures of an uploaded zip.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.datastructures import UploadFile

from api.dependencies import Services
from api.requests import bodies
from api.schemas.jobs import JobIn, UploadIn
from api.schemas.reading import ReadingIn
from producer.catalog import Catalog, CatalogOptions, catalog_of, open_catalog
from producer.decompression_limit import DecompressionLimit
from producer.picture_archive import UPLOADS, holds_pictures, unpack
from producer.remote.openers import remote_catalog
from producer.report import CatalogReport
from producer.source import Source, from_remote, from_stream
from producer.submit.backpressure import refuse_when_full
from producer.submit.submission import Submission, inspect, refuse_flawed
from vitrine.core.errors import BadInput, Conflict, NotFound, VitrineError
from vitrine.core.schemes import place_of, scheme_of
from vitrine.core.settings import Settings
from vitrine.core.types import JobSpec, is_collection_name, model_name, new_job_id
from vitrine.net.url import shown_url

MAX_SOURCE_CHARS = 255
SLOWEST_FEED = 64 * 1024
"""Bytes per second below which a feed's host holds a thread for too long, as for the bodies of clients."""
UNFOLDED = 16
"""Decompression limit as a multiple of the largest upload: 4 GiB by default, more than any real gzipped catalog needs."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that is in the ledger, and the report on its rows."""

    job: str
    model: str
    asked_model: str
    report: CatalogReport


def submit_items(parts: Services, body: JobIn) -> Submitted:
    """Submit the items of a JSON body; raise the errors of `_submit`."""
    rows = [{"id": item.id, "images": item.images, **_fields(item.fields)} for item in body.items]
    options = CatalogOptions(id="id", images=("images",), places=parts.settings.request_places)
    return _submit(
        parts, lambda: catalog_of(rows, options, name="items"),
        body.collection, body.model, source="items over HTTP", strict=body.strict,
    )  # fmt: skip


def submit_file(parts: Services, body: UploadIn, file: UploadFile | None) -> Submitted:
    """Submit an uploaded catalog, or the one at a URL; raise the errors of `_submit`."""
    settings = parts.settings
    catalog = source_of(body, file, settings, settings.data_dir / UPLOADS)
    options = replace(
        body.options(), allow_files=catalog.has_pictures, places=settings.request_places
    )
    return _submit(
        parts, lambda: open_catalog(catalog.source, options),
        body.collection, body.model, source=catalog.source.name, strict=body.strict,
    )  # fmt: skip


def source_of(
    body: ReadingIn, file: UploadFile | None, settings: Settings, into: Path
) -> UploadedCatalog:
    """Return the catalog of a form, which is a `file` or is at a `url`; an archive of pictures is unpacked beneath `into`.

    Raises `RequestValidationError` unless it is exactly one of them, and what `_uploaded` and `_at_url` raise.
    """
    if (file is None) == (body.url is None):
        raise bodies.refuse_field("file", "Send the catalog as the file of this name, or its url.")
    return _at_url(body.url or "", settings) if file is None else _uploaded(file, settings, into)


@dataclass(frozen=True, slots=True)
class UploadedCatalog:
    """An uploaded catalog, which can be opened again."""

    source: Source
    has_pictures: bool  #: Whether its pictures came with it, so that they may be files beneath its own folder.


def _uploaded(file: UploadFile, settings: Settings, into: Path) -> UploadedCatalog:
    """Return the uploaded catalog, with a limit on its decompressed size; an archive of pictures is unpacked beneath `into`.

    Raises `BadInput` for an archive of pictures if the workers may not read files.
    """
    limit = DecompressionLimit(UNFOLDED * settings.max_upload_bytes)
    name = _name_of(file)
    if settings.fetch_files:
        archive = unpack(file.file, name, into, limit)
        if archive is not None:
            return UploadedCatalog(archive.source(name), has_pictures=True)
    elif holds_pictures(file.file, name):
        raise BadInput(
            f"{name} holds pictures, but this service does not read picture files.",
            hint="Give the pictures' URLs, or set VITRINE_FETCH_FILES=true, as standalone does.",
        )
    return UploadedCatalog(from_stream(file.file, name, unfold=limit), has_pictures=False)


def _at_url(url: str, settings: Settings) -> UploadedCatalog:
    """Return the catalog at a URL, whose address is checked like a picture's.

    Raises `BadInput` for a place that clients may not name. The credentials of VITRINE_FEED_AUTH are for the URLs of the
    service's own users: a client could name a host of its own and receive them.
    """
    scheme = scheme_of(url)
    if scheme is None or not scheme.names_host:
        raise bodies.refuse_field("url", "Expected a URL such as https://shop.example/feed.xml.")
    if not scheme.in_requests and place_of(url) not in settings.request_places:
        raise BadInput(
            f"{place_of(shown_url(url)) or scheme.name} is not read for requests over HTTP.",
            hint="Name it in VITRINE_REQUEST_PLACES, or submit it with the command `vitrine submit`.",
        )
    limit = DecompressionLimit(UNFOLDED * settings.max_upload_bytes)
    bounded = settings.model_copy(
        update={
            "feed_auth": None,
            "feed_max_bytes": min(settings.feed_max_bytes, settings.max_upload_bytes),
        }
    )
    return UploadedCatalog(
        from_remote(remote_catalog(url, bounded, slowest=SLOWEST_FEED), limit), has_pictures=False
    )


def _name_of(file: UploadFile) -> str:
    """Return the last part of the client's file name: problems refer to it, and its suffix names the format."""
    name = os.path.basename((file.filename or "").replace("\\", "/"))
    return "".join(filter(str.isprintable, name))[-MAX_SOURCE_CHARS:] or "upload"


def _fields(fields: dict[str, object]) -> dict[str, object]:
    taken = {"id", "images"} & fields.keys()
    if taken:
        raise BadInput(
            f"A field of an item is called {min(taken)!r}, which is a name of the item itself.",
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

    Raises `BadInput` (not a catalog, no good row, a bad row under `strict`), `QueueFull`, `CatalogTooLarge`, `Conflict` (the
    collection uses another model), `LedgerUnavailable` or `StoreUnavailable`. An error half-way cancels the job.
    """
    asked = _asked_model(parts, collection, model)
    limit = parts.settings.max_pending_images
    # Before the file is read: with a full queue, reading a million rows first would be wasted.
    refuse_when_full(parts.ledger, limit, lambda name: _is_served(parts, name))
    if strict:
        with opened() as catalog:
            refuse_flawed(inspect(catalog))
    with opened() as catalog:
        spec = JobSpec(
            new_job_id(), collection, model_name(asked), source, time.time(), asked_model=asked,
            file_root=catalog.file_root,
        )  # fmt: skip
        submission = Submission(spec, parts.ledger, parts.publisher.publish, max_pending=limit)
        report = submission.run(catalog)
    return Submitted(spec.id, spec.model, asked, report)


def _is_served(parts: Services, model: str) -> bool:
    try:
        return bool(parts.query_client.workers(model))
    except VitrineError:
        return True  # an unreachable ledger does not mean that a worker is missing


def _asked_model(parts: Services, collection: str, model: str | None) -> str:
    """Return the model as the client named it, otherwise the collection's model, otherwise the API's default."""
    if not is_collection_name(collection):
        raise BadInput(
            f"A collection cannot be called {collection[:80]!r}.",
            hint="Use lowercase letters, digits, - and _, at most 63, beginning with a letter or digit.",
        )
    if model is not None and not model.strip():
        raise BadInput("The model's name is empty.", hint="Name it, or leave the field out.")
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
