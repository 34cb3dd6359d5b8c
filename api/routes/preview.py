"""`/v1/preview`: a catalog looked at before it is submitted. Nothing of it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData

from api import openapi
from api.dependencies import RequestServices
from api.requests import bodies
from api.requests.submission import options_of, source_of
from api.routes.jobs import FORM, LITERAL
from api.schemas.preview import PreviewIn, PreviewOut
from producer.preview import preview

router = APIRouter(tags=["jobs"])

_SHARED = ("file", "format", "id_column", "image_columns")
_FORM = {name: FORM[name] for name in _SHARED} | {
    # Without a type: whatever a form holds is a text, and any text can separate.
    "image_separator": {"description": "Between several pictures in a cell."},
    "cut": {
        "type": "boolean",
        "default": False,
        "description": "The file is the beginning of a longer one: its last row is not judged.",
    },
}


@router.post(
    "/v1/preview",
    summary="Look at a catalog before it is submitted",
    responses=openapi.error_responses(400, 408, 413, 415),
    openapi_extra=openapi.form_body(_FORM, required=("file",)),
)
def preview_catalog(
    parts: RequestServices, body: Annotated[FormData, Depends(bodies.form_only)]
) -> PreviewOut:
    """The columns, what each is taken for, and what is wrong with the first 10,000 rows; nothing is submitted.

    Where no column is recognised as the id or the picture, `missing` says so: name one and ask again.
    """
    fields = bodies.from_fields(PreviewIn, bodies.texts(body, literal=LITERAL))
    file = bodies.upload(body, "file")
    if file is None:
        raise bodies.refuse_field("file", "Send the catalog as the file of this name.")
    source = source_of(file, parts.settings)
    options = replace(options_of(fields), places=parts.settings.request_places)
    return PreviewOut.of(preview(source, options, cut=fields.cut))
