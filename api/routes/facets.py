"""`/v1/collections/{name}/facets`: the values of the fields, so that filters can be offered.

Each field is counted under the filter without its own conditions: a user who has chosen red still sees how many
items are blue, while the prices shown are those of red items.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query

from api import openapi
from api.dependencies import RequestServices
from api.requests import bodies
from api.routes.collections import described
from api.schemas.facets import FacetOut, FacetsOut
from api.search.known_fields import check_fields
from vitrine.core import filters
from vitrine.core.errors import BadInput
from vitrine.store import VectorStore

MAX_FIELDS = 24
"""Fields per response: each is counted separately, a field of numbers or dates with up to 14 calls to the store."""
MAX_FILTER = 8192  #: Characters of a filter in a URL.

router = APIRouter(tags=["inventory"])

Fields = Annotated[
    list[str],
    Query(
        alias="field", max_length=MAX_FIELDS,
        description="Repeat it for several fields. Default: the collection's fields.",
        examples=[["colour", "price"]],
    ),
]  # fmt: skip
FilterText = Annotated[
    str | None,
    Query(
        max_length=MAX_FILTER,
        description="JSON, in the same format as a search's `filter`.",
        examples=['{"colour": "red"}'],
    ),
]


@router.get(
    "/v1/collections/{name}/facets",
    summary="Values of a collection's fields",
    responses=openapi.error_responses(404),
)
def facets(
    parts: RequestServices,
    name: str,
    field: Fields = [],  # noqa: B006  FastAPI's way to make it optional; it is never modified
    filter: FilterText = None,  # noqa: A002  the parameter's public name
    top: Annotated[int, Query(ge=1, le=100, description="Values per field.")] = 20,
) -> FacetsOut:
    """Return the values or number ranges of indexed fields, with the number of pictures in each."""
    where = None if filter is None else filters.parse_filter(_json(filter))
    known = sorted(described(parts.store, name).indexed_fields)
    check_fields(parts.store, name, where)
    pictures = parts.store.count(
        name, where
    )  # first: it refuses a filter that the store cannot apply
    asked = list(dict.fromkeys(field)) or known[:MAX_FIELDS]
    found = [_facet(parts.store, name, one, where, top) for one in asked]
    if not field:
        found.sort(key=lambda facet: (not facet.suggested, facet.field))
    return FacetsOut(
        collection=name,
        pictures=pictures,
        facets=found,
        left_out=[] if field else known[MAX_FIELDS:],
    )


def _facet(
    store: VectorStore, name: str, field: str, where: filters.Filter | None, top: int
) -> FacetOut:
    others = filters.without_field(where, field)
    try:
        found = store.facet(name, field, where=others, top=top)
    except BadInput as error:
        raise bodies.refuse_field("field", str(error)) from None
    return FacetOut.of(found, store.count(name, others))


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise bodies.refuse_field("filter", "This is not JSON.") from None
