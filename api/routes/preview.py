"""`/v1/preview`: check a catalog before it is submitted. Nothing is stored."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData

from api import openapi
from api.dependencies import RequestServices
from api.requests import bodies, feeds
from api.requests.submission import source_of
from api.routes.jobs import FORM, LITERAL
from api.schemas.preview import PreviewIn, PreviewOut
from api.schemas.reading import READING_FORM
from producer.preview import preview

router = APIRouter(tags=["jobs"])

_SHARED = ("file", "format", "id_column", "image_columns")
_FORM = (
    {name: FORM[name] for name in _SHARED}
    | READING_FORM
    | {
        # No type: all form fields are text, and any text can be a separator.
        "image_separator": {"description": "Separates the pictures in a cell."},
        "cut": {
            "type": "boolean",
            "default": False,
            "description": "The file is the beginning of a longer one: its last row is ignored.",
        },
    }
)


@router.post(
    "/v1/preview",
    summary="Preview a catalog",
    responses=openapi.error_responses(400, 408, 413, 415, 429, 502),
    dependencies=[Depends(feeds.form_slot)],
    openapi_extra=openapi.form_body(_FORM, required=()),
)
def preview_catalog(
    parts: RequestServices, body: Annotated[FormData, Depends(bodies.form_only)]
) -> PreviewOut:
    """Return the columns, the role of each, and the errors in the first 10,000 rows. Nothing is submitted.

    If no column is recognised as the id or the picture, `missing` names the role: choose a column and try again.
    """
    fields = bodies.from_fields(PreviewIn, bodies.texts(body, literal=LITERAL))
    file = bodies.upload(body, "file")
    with tempfile.TemporaryDirectory(prefix="vitrine-preview-") as folder:
        upload = source_of(fields, file, parts.settings, Path(folder))
        options = replace(
            fields.options(), allow_files=upload.has_pictures, places=parts.settings.request_places
        )
        return PreviewOut.of(preview(upload.source, options, cut=fields.cut))
