"""Schemas of a collection's stored items, and of their positions on its map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from vitrine.store import StoredPoint
from vitrine.store.base import FIELDS_FIELD, INDEX_FIELD, ITEM_FIELD, PROVENANCE_FIELD, URL_FIELD


class ItemShown(BaseModel):
    """An item, represented by one of its pictures."""

    item_id: str = Field(examples=["sku-1042"])
    image_url: str
    image_index: int
    fields: dict[str, Any] = Field(examples=[{"title": "Striped shirt", "price": 29.5}])

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Build it from a stored payload."""
        return cls(
            item_id=payload[ITEM_FIELD], image_url=payload[URL_FIELD],
            image_index=payload[INDEX_FIELD], fields=dict(payload[FIELDS_FIELD]),
        )  # fmt: skip


class ItemList(BaseModel):
    """A fixed sample of a collection's items."""

    collection: str
    items: list[ItemShown]


class StoredPicture(BaseModel):
    """A picture of an item, and the origin of its vector."""

    image_url: str
    image_index: int
    provenance: dict[str, str | None] = Field(
        examples=[{"job": "3f2a9c04d1be", "model": "builtin", "content_sha256": "9f86d081…"}]
    )


class ItemOut(BaseModel):
    """An item with all its embedded pictures."""

    collection: str
    item_id: str
    fields: dict[str, Any]
    pictures: list[StoredPicture] = Field(description="In the order of the catalog's row.")

    @classmethod
    def of(cls, collection: str, item_id: str, points: Sequence[StoredPoint]) -> Self:
        """Build it from the item's points, of which there is at least one."""
        payloads = [point.payload for point in points]
        return cls(
            collection=collection, item_id=item_id, fields=dict(payloads[0][FIELDS_FIELD]),
            pictures=[
                StoredPicture(
                    image_url=payload[URL_FIELD], image_index=payload[INDEX_FIELD],
                    provenance=dict(payload[PROVENANCE_FIELD]),
                )
                for payload in payloads
            ],
        )  # fmt: skip


class MapPoint(ItemShown):
    """A picture on the map; coordinates run from 0 to 1, left to right and top to bottom."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class MapOut(BaseModel):
    """A map of a collection's pictures: similar pictures are close together; large distances mean little."""

    collection: str
    state: Literal["computing", "ready", "refreshing"] = Field(
        description="`computing`: no points yet, try again; `refreshing`: a newer map is being made."
    )
    pictures: int = Field(description="Pictures in the collection when the map was started.")
    fields: list[str] = Field(description="Fields included with the points: the indexed ones.")
    points: list[MapPoint] = Field(description="At most 2,000, sampled evenly from all pictures.")
