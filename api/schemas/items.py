"""Items of a collection as they are stored, and where they lie on its map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from vitrine.store import StoredPoint
from vitrine.store.base import FIELDS_FIELD, INDEX_FIELD, ITEM_FIELD, PROVENANCE_FIELD, URL_FIELD


class ItemShown(BaseModel):
    """An item by one of its pictures."""

    item_id: str = Field(examples=["sku-1042"])
    image_url: str
    image_index: int
    fields: dict[str, Any] = Field(examples=[{"title": "Striped shirt", "price": 29.5}])

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """As the store has it."""
        return cls(
            item_id=payload[ITEM_FIELD], image_url=payload[URL_FIELD],
            image_index=payload[INDEX_FIELD], fields=dict(payload[FIELDS_FIELD]),
        )  # fmt: skip


class ItemList(BaseModel):
    """Some items of a collection, the same ones each time."""

    collection: str
    items: list[ItemShown]


class StoredPicture(BaseModel):
    """A picture of an item, and where its vector comes from."""

    image_url: str
    image_index: int
    provenance: dict[str, str | None] = Field(
        examples=[{"job": "3f2a9c04d1be", "model": "builtin", "content_sha256": "9f86d081…"}]
    )


class ItemOut(BaseModel):
    """An item with every picture that is embedded."""

    collection: str
    item_id: str
    fields: dict[str, Any]
    pictures: list[StoredPicture] = Field(description="By their place in the catalog's row.")

    @classmethod
    def of(cls, collection: str, item_id: str, points: Sequence[StoredPoint]) -> Self:
        """As the store has it; there is at least one point."""
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
    """A picture on the map, 0 to 1 from left to right and from top to bottom."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class MapOut(BaseModel):
    """A collection's pictures in two dimensions: what looks alike lies together, and distances far apart mean little."""

    collection: str
    state: Literal["computing", "ready", "refreshing"] = Field(
        description="`computing`: no points yet, ask again; `refreshing`: a newer one is being made."
    )
    pictures: int = Field(description="Pictures in the collection when the map was begun.")
    fields: list[str] = Field(description="Fields that the points have: the indexed ones.")
    points: list[MapPoint] = Field(description="At most 2,000, drawn evenly from all of them.")
