"""`POST /v1/search`: a picture, words or an item in; the nearest items of a collection out.

`api.search.request` reads the request, `api.search.query_vector` makes one vector from it, and `api.search.results` queries
the store and builds a page of hits. The routes are plain functions, which FastAPI runs in threads: the query lane and the
store block.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from api import openapi
from api.dependencies import RequestServices
from api.middleware.body_limit import search_slot
from api.requests import bodies
from api.routes.collections import space_of
from api.schemas.base import SpaceOut
from api.schemas.search import QueryOut, RelevanceOut, SearchIn, SearchOptions, SearchOut, Took
from api.search.known_fields import check_fields
from api.search.query_vector import StoreQuery, resolve_query_vector
from api.search.request import read_search_request
from api.search.results import ResultPage, max_depth, read_page
from api.search.sample_cache import SampleCache
from vitrine.core import filters
from vitrine.store import EmbeddingSpace

router = APIRouter(tags=["search"])


async def _backgrounds(request: Request) -> SampleCache:
    kept: SampleCache = request.app.state.backgrounds
    return kept


_EXAMPLES = "JSON, in the same format as in a JSON body."
_FORM: dict[str, Any] = {
    "image": {"type": "string", "format": "binary", "description": "The picture."},
    "collection": {"type": "string"},
    "image_url": {"type": "string"},
    "item": {"type": "string"},
    "text": {"type": "string"},
    "text_weight": {"type": "number", "exclusiveMinimum": 0, "maximum": 10, "default": 1},
    "vector": {"type": "string", "description": _EXAMPLES},
    "crop": {"type": "string", "description": _EXAMPLES},
    "like": {"type": "string", "description": _EXAMPLES},
    "unlike": {"type": "string", "description": _EXAMPLES},
    "top": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    "offset": {"type": "integer", "minimum": 0, "exclusiveMaximum": 1000, "default": 0},
    "filter": {"type": "string", "description": _EXAMPLES},
    "exact": {"type": "boolean", "default": False},
    "pictures_per_item": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
    "relevance": {"type": "string", "enum": ["off", "mark", "cut"], "default": "off"},
    "group_duplicates": {"type": "boolean", "default": False},
    "vectors": {"type": "boolean", "default": False},
}
_EXAMPLE = {
    "collection": "summer",
    "image_url": "https://shop.example/1042/front.jpg",
    "text": "with long sleeves",
    "unlike": [{"text": "striped"}],
    "top": 5,
    "filter": {"colour": ["red", "blue"], "price": {"lt": 50}},
}


@router.post(
    "/v1/search",
    summary="Search by picture, item, words or examples",
    responses=openapi.error_responses(400, 404, 408, 409, 413, 415, 429, 502),
    openapi_extra=openapi.either_body(SearchIn, _FORM, required=("collection",), example=_EXAMPLE),
    dependencies=[Depends(search_slot)],
)
def search(
    parts: RequestServices,
    backgrounds: Annotated[SampleCache, Depends(_backgrounds)],
    body: Annotated[bodies.Body, Depends(bodies.json_or_form)],
) -> SearchOut:
    """Find the nearest items. Hits are grouped by item, best first.

    A search by item uses the mean of its stored vectors; items used as a query are not among the hits. Text requires a
    model with a text tower (otherwise 422). Several examples are blended, each at equal strength times its weight;
    `unlike` examples push away with a third of the strength with which `like` examples attract.
    """
    asked = read_search_request(body)
    options = asked.options
    max_depth(options)  # before any worker is called
    where = None if options.filter is None else filters.parse_filter(options.filter)
    space = space_of(parts.store, options.collection)
    check_fields(parts.store, options.collection, where)
    started = time.perf_counter()
    aim = resolve_query_vector(parts, backgrounds, asked, space)
    embedded = time.perf_counter()
    page = read_page(parts.store, backgrounds, aim, options=options, where=where, space=space)
    ended = time.perf_counter()
    took = Took(embed_ms=_ms(embedded - started), store_ms=_ms(ended - embedded))
    return _answer(options, aim, page, space, took)


def _answer(
    options: SearchOptions, aim: StoreQuery, page: ResultPage, space: EmbeddingSpace, took: Took
) -> SearchOut:
    return SearchOut(
        collection=options.collection,
        query=QueryOut(
            kind=aim.kind,
            described=aim.described,
            space=SpaceOut.of(space),
            vector=aim.vector.tolist() if options.vectors else None,
        ),
        hits=page.hits,
        next_offset=page.next_offset,
        relevance=None if page.relevance is None else RelevanceOut.of(page.relevance),
        took=took,
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
