"""`POST /v1/search`: a picture, words or an item in; the nearest items of a collection out.

A picture or words go through the query lane to a worker of the collection's model; an item is searched
by the mean of its own stored vectors and left out of its result. The routes are plain functions, which
FastAPI runs in threads: the lane and the store block.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Request
from numpy.typing import NDArray
from starlette.datastructures import FormData

from api import bodies, openapi
from api.collections import space_of
from api.limits import Admission
from api.parts import Given, Parts
from api.schemas.base import SpaceOut
from api.schemas.search import HitOut, QueryOut, SearchIn, SearchOptions, SearchOut, Took
from vitrine import filters
from vitrine.errors import Conflict, NotFound
from vitrine.query_lane import Kind, Query
from vitrine.vectors import Space
from vitrine.vectors.spaces import require_same_space

ASKS = ("image_url", "image_base64", "item", "text")
_ONE_OF = "Give exactly one of image (an upload), image_url, image_base64, item and text."

router = APIRouter(tags=["search"])


@dataclass(frozen=True, slots=True)
class ByItem:
    """A search by an item of the collection itself."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was asked, in either form."""

    options: SearchOptions
    by: Query | ByItem


@dataclass(frozen=True, slots=True)
class Target:
    """What the store is asked for: a unit vector, float32 [dimension], and whom to leave out."""

    vector: NDArray[np.float32]
    exclude: tuple[str, ...]
    kind: str
    described: str


async def _admitted(request: Request) -> AsyncIterator[None]:
    admission: Admission = request.app.state.admission
    with admission:
        yield


_FORM: dict[str, Any] = {
    "image": {"type": "string", "format": "binary", "description": "The picture."},
    "collection": {"type": "string"},
    "image_url": {"type": "string"},
    "item": {"type": "string"},
    "text": {"type": "string"},
    "top": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    "filter": {"type": "string", "description": "JSON, as in the JSON body."},
    "exact": {"type": "boolean", "default": False},
    "pictures_per_item": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
}
_EXAMPLE = {
    "collection": "summer",
    "image_url": "https://shop.example/1042/front.jpg",
    "top": 5,
    "filter": {"colour": ["red", "blue"], "price": {"lt": 50}},
}


@router.post(
    "/v1/search",
    summary="Search by picture, item or words",
    responses=openapi.errors(400, 404, 408, 409, 413, 415, 429, 502),
    openapi_extra=openapi.either_body(SearchIn, _FORM, required=("collection",), example=_EXAMPLE),
    dependencies=[Depends(_admitted)],
)
def search(parts: Given, body: Annotated[bodies.Body, Depends(bodies.json_or_form)]) -> SearchOut:
    """Hits are grouped by item and come best first.

    An item is searched by the mean of its stored vectors, and is not among its own hits. Words need a
    model with a text tower (422 where it has none).
    """
    asked = _asked(body)
    options = asked.options
    where = None if options.filter is None else filters.parse(options.filter)
    space = space_of(parts.store, options.collection)
    started = time.perf_counter()
    target = _target(parts, asked, space)
    embedded = time.perf_counter()
    found = parts.store.search(
        options.collection, target.vector, top=options.top, where=where,
        exclude_items=target.exclude, per_item=options.pictures_per_item, exact=options.exact,
    )  # fmt: skip
    ended = time.perf_counter()
    return SearchOut(
        collection=options.collection,
        query=QueryOut(kind=target.kind, described=target.described, space=SpaceOut.of(space)),
        hits=[HitOut.of(rank, item) for rank, item in enumerate(found, 1)],
        took=Took(embed_ms=_ms(embedded - started), store_ms=_ms(ended - embedded)),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


# --- reading the question -------------------------------------------------------------------------


def _asked(body: bodies.Body) -> Asked:
    if isinstance(body, FormData):
        return _from_form(body)
    asked = bodies.from_json(SearchIn, body)
    return Asked(asked, _by(asked))


def _from_form(form: FormData) -> Asked:
    fields: dict[str, Any] = dict(bodies.texts(form))
    if "filter" in fields:
        fields["filter"] = _json_field("filter", fields["filter"])
    image = bodies.upload(form, "image")
    if image is None:
        asked = bodies.from_fields(SearchIn, fields)
        return Asked(asked, _by(asked))
    if any(name in fields for name in ASKS):
        raise bodies.refuse_field("image", _ONE_OF)
    options = bodies.from_fields(SearchOptions, fields)
    data = image.file.read()
    if not data:
        raise bodies.refuse_field("image", "The picture is empty.")
    return Asked(options, Query("image", data))


def _json_field(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bodies.refuse_field(name, "This is not JSON.") from None


def _by(asked: SearchIn) -> Query | ByItem:
    given = [name for name in ASKS if getattr(asked, name) is not None]
    if len(given) != 1:
        raise bodies.refuse_field("", _ONE_OF)
    name = given[0]
    value: str = getattr(asked, name)
    if name == "item":
        return ByItem(value)
    if name == "image_base64":
        return Query("image", _decoded(value))
    if name == "image_url" and not value.lower().startswith(("http://", "https://")):
        raise bodies.refuse_field(name, "Only http:// and https:// URLs are fetched.")
    kind: Kind = "url" if name == "image_url" else "text"
    return Query(kind, value.encode())


def _decoded(text: str) -> bytes:
    """The bytes of base64, also behind a `data:image/…;base64,` prefix."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bodies.refuse_field("image_base64", "This is not base64.") from None
    if not data:
        raise bodies.refuse_field("image_base64", "The picture is empty.")
    return data


# --- from the question to a vector ----------------------------------------------------------------

_DESCRIBED = {"image": "the picture sent", "url": "the picture at the URL", "text": "the words"}


def _target(parts: Parts, asked: Asked, space: Space) -> Target:
    if isinstance(asked.by, ByItem):
        return _of_item(parts, asked.options.collection, asked.by.item_id)
    answer = parts.lane.embed(space.model, asked.by)
    require_same_space(asked.options.collection, space, answer.space)
    return Target(answer.vector, (), asked.by.kind, _DESCRIBED[asked.by.kind])


def _of_item(parts: Parts, collection: str, item_id: str) -> Target:
    points = parts.store.item(collection, item_id)
    if not points:
        raise NotFound(
            f"The collection {collection} has no item {item_id}.",
            hint="Its pictures may have failed, or are not embedded yet.",
        )
    vectors = np.stack([point.vector for point in points]).astype(np.float64)
    mean: NDArray[np.float64] = vectors.sum(axis=0) / len(points)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        # Opposite vectors: their mean points nowhere, and dividing by its length would make it noise.
        raise Conflict(
            f"The vectors of the item {item_id} cancel each other out.",
            hint="Search by one of its pictures instead.",
        )
    count = len(points)
    which = "its stored vector" if count == 1 else f"the mean of its {count} stored vectors"
    return Target((mean / length).astype(np.float32), (item_id,), "item", which)
