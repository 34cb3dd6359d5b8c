"""Labelled pictures of a collection, with their stored vectors."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.cli.evaluate.labelled import LabelColumns, as_label
from vitrine.cli.evaluate.picture_keys import picture_key
from vitrine.core.errors import BadInput
from vitrine.evaluation.sample import LabelledPicture, Sample, parse_split_part, random_key
from vitrine.store.base import (
    FIELDS_FIELD,
    INDEX_FIELD,
    ITEM_FIELD,
    URL_FIELD,
    EmbeddingSpace,
    StoredPoint,
    VectorStore,
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The needed part of a point. Its payload would double the memory, and an uncopied vector would keep its whole page."""

    picture: LabelledPicture
    item: str
    vector: NDArray[np.float32]


def _kept(picture: LabelledPicture, point: StoredPoint) -> _Kept:
    return _Kept(picture, str(point.payload[ITEM_FIELD]), point.vector.copy())


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample of a collection; `items` [n] are the pictures' item ids."""

    sample: Sample
    items: tuple[str, ...]
    left_out: Mapping[str, int]  #: Points without a label, or labelled pictures without a point.
    unsampled: int = 0  #: Labelled points that the random sample left out.


def by_field(
    store: VectorStore, name: str, columns: LabelColumns, *, limit: int, seed: int
) -> StoredSample:
    """Return points labelled by one of their fields or, if none is named, by their item.

    Of more than `limit` points, takes a random sample of that size. Raises `NotFound`, and `BadInput` if no point has
    the label.
    """
    space = store.space(name)
    counts = Counter[str]()

    def labelled() -> Iterator[_Kept]:
        for point in store.scroll(name):
            picture = _picture(point, columns)
            if picture is None:
                counts["no_label"] += 1
            else:
                counts["labelled"] += 1
                yield _kept(picture, point)

    kept = heapq.nsmallest(limit, labelled(), key=lambda one: random_key(seed, one.picture.key))
    if not kept:
        raise BadInput(
            f"No point of the collection {name} has {columns.label or 'an item'}.",
            hint="Name a field of its items with --label, or give a CSV of labels.",
        )
    unsampled = counts.pop("labelled") - len(kept)
    return _stored(kept, space, counts, unsampled)


def by_catalog(store: VectorStore, name: str, pictures: Sequence[LabelledPicture]) -> StoredSample:
    """Find the points of labelled pictures by item id and position; raises `NotFound`, and `BadInput` if there are none."""
    wanted = {picture.key: picture for picture in pictures}
    space = store.space(name)
    found = [
        _kept(wanted[key], point) for point in store.scroll(name) if (key := _key(point)) in wanted
    ]
    if not found:
        raise BadInput(
            f"The collection {name} holds none of the catalog's {len(wanted):,} labelled pictures.",
            hint="The ids must be those that the catalog was submitted with (--id).",
        )
    # In the order of the random sample: the first ones are then a random sample too.
    place = {key: position for position, key in enumerate(wanted)}
    found.sort(key=lambda one: place[one.picture.key])
    return _stored(found, space, {"not_in_collection": len(wanted) - len(found)})


def _stored(
    kept: Sequence[_Kept], space: EmbeddingSpace, left_out: Mapping[str, int], unsampled: int = 0
) -> StoredSample:
    vectors = np.stack([one.vector for one in kept])
    sample = Sample(tuple(one.picture for one in kept), vectors, space)
    return StoredSample(sample, tuple(one.item for one in kept), left_out, unsampled)


def _picture(point: StoredPoint, columns: LabelColumns) -> LabelledPicture | None:
    """Return the point as a labelled picture; None if it has no label."""
    key, item = _key(point), str(point.payload[ITEM_FIELD])
    source = str(point.payload[URL_FIELD])
    if columns.label is None:
        # It has to find the item's other pictures, so it must not share a group with them.
        return LabelledPicture(key, item, source, key)
    fields: Mapping[str, object] = point.payload[FIELDS_FIELD]
    label = _text(fields, columns.label)
    part = parse_split_part(_text(fields, columns.split)) if columns.split else None
    return (
        LabelledPicture(key, label, source, _text(fields, columns.group) or item, part)
        if label
        else None
    )


def _text(fields: Mapping[str, object], name: str | None) -> str:
    value = fields.get(name) if name else None
    return as_label(value) if isinstance(value, str | int | float) else ""


def _key(point: StoredPoint) -> str:
    return picture_key(str(point.payload[ITEM_FIELD]), int(point.payload[INDEX_FIELD]))
