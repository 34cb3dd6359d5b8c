"""Reading of a search request, from JSON or a form: examples to be like or unlike, each with its weight.

::

    image | image_url | image_base64 | item | vector   at most one: the main query
    text                                               alone, or with it
    like: [example, …]   unlike: [example, …]          more of these, less of those
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.datastructures import FormData, UploadFile

from api.requests import bodies
from api.schemas.search import ExampleIn, SearchIn, SearchOptions
from vitrine.core.schemes import ONLY_FETCHED, is_allowed_in_requests, strip_data_url_prefix
from vitrine.query.client import Query

_PICTURES = ("image_url", "image_base64", "item", "vector")
_ONE_PICTURE = "Give at most one of image (an upload), image_url, image_base64, item and vector."
_SOMETHING = "Give a picture, an item, words, a vector, or something to be like."
_ONE_OF = "Give exactly one of image_url, image_base64, item and text."
_JSON_FIELDS = ("filter", "like", "unlike", "vector", "crop")
SHORTEST = 1e-6  #: Below this length, float32 cannot represent a vector's direction.
ROUNDING = 1e-6  #: Tolerance for a crop that reaches beyond the picture, for sums of fractions.


@dataclass(frozen=True, slots=True)
class ByItem:
    """A search by an item of the same collection."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ByVector:
    """A search by a vector from the client: float32 [n] of unit length."""

    vector: NDArray[np.float32]


By: TypeAlias = Query | ByItem | ByVector


@dataclass(frozen=True, slots=True)
class Example:
    """An example to be like or unlike."""

    by: By
    weight: float
    named: str  #: Its field in the request, such as `unlike[2]`.


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search request, from JSON or a form; `like` is not empty."""

    options: SearchOptions
    like: tuple[Example, ...]
    unlike: tuple[Example, ...]


def read_search_request(body: bodies.Body) -> SearchRequest:
    """Parse a body as a search request; raise `RequestValidationError`, which names the field."""
    if not isinstance(body, FormData):
        asked = bodies.from_json(SearchIn, body)
        return _question(asked, _cropped(_main(asked), asked))
    fields = _fields(body)
    asked = bodies.from_fields(SearchIn, fields)
    image = bodies.upload(body, "image")
    main = _main(asked) if image is None else _uploaded(image, asked)
    return _question(asked, _cropped(main, asked))


def _fields(form: FormData) -> dict[str, Any]:
    fields: dict[str, Any] = dict(bodies.texts(form))
    for name in _JSON_FIELDS:
        if name in fields:
            fields[name] = _json_field(name, fields[name])
    return fields


def _json_field(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bodies.refuse_field(name, "This is not JSON.") from None


def _question(asked: SearchIn, main: list[Example]) -> SearchRequest:
    if asked.text is not None:
        weight = asked.text_weight if main else 1.0
        main.append(Example(Query("text", asked.text.encode()), weight, "text"))
    like = (*main, *_examples("like", asked.like))
    if not like:
        raise bodies.refuse_field("", _SOMETHING)
    return SearchRequest(asked, like, _examples("unlike", asked.unlike))


def _main(asked: SearchIn) -> list[Example]:
    """Return the request's main picture, item or vector, if it has one."""
    given = [name for name in _PICTURES if getattr(asked, name) is not None]
    if len(given) > 1:
        raise bodies.refuse_field("", _ONE_PICTURE)
    if given == ["vector"]:
        return [Example(_by_vector(asked.vector or []), 1.0, "vector")]
    return [Example(_by(name, getattr(asked, name), name), 1.0, name) for name in given]


def _cropped(main: list[Example], asked: SearchIn) -> list[Example]:
    """Return the main examples, with the requested crop applied to the picture."""
    if asked.crop is None:
        return main
    left, top, width, height = asked.crop
    if min(width, height) <= 0 or left + width > 1 + ROUNDING or top + height > 1 + ROUNDING:
        raise bodies.refuse_field("crop", "The part extends beyond the picture, or is empty.")
    if len(main) != 1 or not isinstance(main[0].by, Query):
        raise bodies.refuse_field(
            "crop", "A part can be given only with an uploaded picture, image_url or image_base64."
        )
    return [replace(main[0], by=replace(main[0].by, part=tuple(asked.crop)))]


def _uploaded(image: UploadFile, asked: SearchIn) -> list[Example]:
    if _main(asked):
        raise bodies.refuse_field("image", _ONE_PICTURE)
    data = image.file.read()
    if not data:
        raise bodies.refuse_field("image", "The picture is empty.")
    return [Example(Query("image", data), 1.0, "image")]


def _examples(name: str, given: list[ExampleIn]) -> tuple[Example, ...]:
    return tuple(_example(f"{name}[{number}]", one) for number, one in enumerate(given))


def _example(named: str, given: ExampleIn) -> Example:
    ways = [way for way in ("image_url", "image_base64", "item", "text") if getattr(given, way)]
    if len(ways) != 1:
        raise bodies.refuse_field(named, _ONE_OF)
    return Example(_by(ways[0], getattr(given, ways[0]), f"{named}.{ways[0]}"), given.weight, named)


def _by(way: str, value: str, field: str) -> By:
    if way == "item":
        return ByItem(value)
    if way == "text":
        return Query("text", value.encode())
    if way == "image_base64":
        return Query("image", _decoded(value, field))
    if not is_allowed_in_requests(value):
        raise bodies.refuse_field(field, f"{ONLY_FETCHED.capitalize()}.")
    return Query("url", value.encode())


def _by_vector(values: list[float]) -> ByVector:
    vector = np.array(values, np.float64)
    with np.errstate(over="ignore"):
        length = float(np.linalg.norm(vector))
    if not SHORTEST < length < np.inf:
        raise bodies.refuse_field("vector", "A vector of length 0 has no direction.")
    return ByVector((vector / length).astype(np.float32))


def _decoded(text: str, field: str) -> bytes:
    """Decode base64, with or without a `data:image/…;base64,` prefix."""
    try:
        data = base64.b64decode(strip_data_url_prefix(text), validate=True)
    except (binascii.Error, ValueError):
        raise bodies.refuse_field(field, "This is not base64.") from None
    if not data:
        raise bodies.refuse_field(field, "The picture is empty.")
    return data
