"""Items of a collection: a sample to start a search from, one item with all its pictures, and pictures from files."""

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
"""Pictures scanned per requested item: items with more pictures make the list shorter, not the response slower."""

router = APIRouter(prefix="/v1/collections/{name}", tags=["inventory"])

ItemId = Annotated[str, Query(alias="id", min_length=1, max_length=512)]


@router.get("/items", summary="Sample of items", responses=openapi.error_responses(404))
def items(
    parts: RequestServices, name: str, limit: Annotated[int, Query(ge=1, le=100)] = 24
) -> ItemList:  # fmt: skip
    """Return a sample of items from the whole collection, each with the first of its pictures found."""
    shown: dict[str, ItemShown] = {}
    with naming_those_that_exist(parts.store, name):
        # Points are ordered by their ids, which are hashes, so the first ones are a fair sample.
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
    """Return the item's fields and pictures, with the origin of each picture's vector."""
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
    """Return the bytes of a picture that the catalog names by a `file:` URL, if the file has not changed since."""
    points = stored_item(parts.store, name, item_id)
    point = next((point for point in points if point.payload[INDEX_FIELD] == index), None)
    if point is None:
        raise NotFound(f"The item {item_id} has no picture {index}.")
    body = read_picture(point.payload, parts.settings)
    # No media type is claimed: these bytes were once decoded as a picture, and a browser must not take them for anything else.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return Response(body, media_type="application/octet-stream", headers=headers)


def stored_item(store: VectorStore, name: str, item_id: str) -> list[StoredPoint]:
    """Return the item's points; raise `NotFound` for the collection or the item."""
    with naming_those_that_exist(store, name):
        points = store.item(name, item_id)
    if not points:
        raise NotFound(
            f"The collection {name} has no item {item_id}.",
            hint="Its pictures may have failed, or are not embedded yet.",
        )
    return points
