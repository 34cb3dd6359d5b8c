"""Items of a collection: some to begin a search with, one with all its pictures, and a picture from a file."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import openapi
from api.dependencies import RequestServices
from api.routes.collections import naming_those_that_exist
from api.schemas.items import ItemList, ItemOut, ItemShown
from api.search.stored_images import read_picture
from vitrine.core.errors import NotFound
from vitrine.store import StoredPoint, VectorStore
from vitrine.store.base import INDEX_FIELD, ITEM_FIELD

PICTURES_LOOKED_AT = 8
"""For each item wanted: items with more pictures than this leave the list shorter, not the answer slower."""

router = APIRouter(prefix="/v1/collections/{name}", tags=["inventory"])

ItemId = Annotated[str, Query(alias="id", min_length=1, max_length=512)]


@router.get("/items", summary="Some items", responses=openapi.error_responses(404))
def items(
    parts: RequestServices, name: str, limit: Annotated[int, Query(ge=1, le=100)] = 24
) -> ItemList:  # fmt: skip
    """Items to begin with, drawn from all over the collection, each by its first picture found."""
    shown: dict[str, ItemShown] = {}
    with naming_those_that_exist(parts.store, name):
        # Points come in the order of their ids, which are hashes: the first ones are a fair sample.
        points = parts.store.scroll(name, with_vectors=False)
        with closing(points):  # type: ignore[type-var]  # every store's is a generator
            for point in islice(points, limit * PICTURES_LOOKED_AT):
                shown.setdefault(point.payload[ITEM_FIELD], ItemShown.of(point.payload))
                if len(shown) == limit:
                    break
    return ItemList(collection=name, items=list(shown.values()))


@router.get(
    "/item", summary="One item with all its pictures", responses=openapi.error_responses(404)
)
def item(parts: RequestServices, name: str, item_id: ItemId) -> ItemOut:
    """Its fields, its pictures, and of each where its vector comes from."""
    return ItemOut.of(name, item_id, stored_item(parts.store, name, item_id))


@router.get(
    "/picture",
    summary="A picture from a file",
    response_class=Response,
    responses=openapi.error_responses(404)
    | {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
def picture(
    parts: RequestServices,
    name: str,
    item_id: ItemId,
    index: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The bytes of a picture that the catalog named as a `file:` URL, if they are still those that were embedded."""
    points = stored_item(parts.store, name, item_id)
    point = next((point for point in points if point.payload[INDEX_FIELD] == index), None)
    if point is None:
        raise NotFound(f"The item {item_id} has no picture {index}.")
    body = read_picture(point.payload, parts.settings)
    # The type is left to who looks: these bytes were decoded as a picture once, and must be taken for nothing else.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return Response(body, media_type="application/octet-stream", headers=headers)


def stored_item(store: VectorStore, name: str, item_id: str) -> list[StoredPoint]:
    """The item's points; raises `NotFound` for the collection and for the item."""
    with naming_those_that_exist(store, name):
        points = store.item(name, item_id)
    if not points:
        raise NotFound(
            f"The collection {name} has no item {item_id}.",
            hint="Its pictures may have failed, or are not embedded yet.",
        )
    return points
