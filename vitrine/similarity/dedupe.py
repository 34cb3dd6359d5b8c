"""Groups of near-identical pictures in a collection.

::

    the store ──read──▶ Pictures ──one per content──▶ distances to the nearest ──▶ threshold
                                                   └──────────── stars ◀──────────────────┘
                                                                  └──▶ groups, including copies of equal content

Pictures with equal bytes (the stored content hash) count as one picture at first: a shop's ten thousand "no picture
yet" images are found without comparing every pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import BadInput
from vitrine.similarity.pairs import NearestNeighbours, nearest_neighbours, star_groups
from vitrine.similarity.threshold import Threshold, choose_threshold, given_threshold
from vitrine.store.base import (
    INDEX_FIELD,
    ITEM_FIELD,
    PROVENANCE_FIELD,
    URL_FIELD,
    StoredPoint,
    VectorStore,
)

MAX_PICTURES = 250_000
"""Comparing this many takes half an hour on two cores (20,000 of 768 dimensions: 12 s), and 1.2 GB at 1,152 dimensions."""

StepProgress = Callable[[str, int], None]
"""Receives the step (`read` or `compared`) and how many more pictures it has finished."""


def _ignore_progress(_: str, __: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True)
class ComparedPicture:
    """A stored picture."""

    item_id: str
    index: int  #: Position among the item's pictures, from 0.
    url: str
    content: str  #: SHA-256 of its bytes.


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A picture in a group."""

    picture: ComparedPicture
    cosine: float  #: To the group's first picture.
    same_bytes: bool  #: Same bytes as the group's first picture; True for the first itself.


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The near-identical pictures of a collection."""

    pictures: int
    threshold: Threshold
    groups: tuple[tuple[GroupMember, ...], ...]  #: Largest first.


def find_duplicates(
    store: VectorStore,
    name: str,
    *,
    cosine: float | None = None,
    on_progress: StepProgress = _ignore_progress,
) -> Duplicates:
    """Find the near-identical pictures of a collection, at the given threshold or one chosen from the collection.

    Raises `NotFound`, and `BadInput` for a collection of more than `MAX_PICTURES` pictures.
    """
    pictures, vectors = _read(store, name, on_progress)
    firsts, copies = _by_content(pictures)
    unique = vectors[firsts]
    near = _closest(unique, on_progress)
    threshold = choose_threshold(unique) if cosine is None else given_threshold(cosine)
    close = np.flatnonzero(near.distances <= threshold.distance)
    groups = [
        [int(firsts[close[row]]) for row in star]
        for star in star_groups(unique[close], threshold.cosine)
    ]
    grouped = {row for group in groups for row in group}
    groups += [[row] for row, same in copies.items() if len(same) > 1 and row not in grouped]
    members = [_members(group, pictures, vectors, copies) for group in groups]
    members.sort(key=lambda group: (-len(group), group[0].picture.item_id))
    return Duplicates(len(pictures), threshold, tuple(members))


def _read(
    store: VectorStore, name: str, on_progress: StepProgress
) -> tuple[list[ComparedPicture], NDArray[np.float32]]:
    info = store.describe(name)
    if info.points > MAX_PICTURES:
        raise BadInput(
            f"The collection {name} has {info.points:,} pictures; at most {MAX_PICTURES:,} are compared with each other."
        )
    read = []
    for point in store.scroll(name):
        read.append((_picture(point), point.vector))
        on_progress("read", 1)
    # Sort by item, so that the same collection always gives the same groups.
    read.sort(key=lambda pair: (pair[0].item_id, pair[0].index))
    vectors = np.array([vector for _, vector in read], np.float32)
    return [picture for picture, _ in read], vectors.reshape(len(read), info.space.dimension)


def _picture(point: StoredPoint) -> ComparedPicture:
    payload = point.payload
    return ComparedPicture(
        payload[ITEM_FIELD],
        payload[INDEX_FIELD],
        payload[URL_FIELD],
        payload[PROVENANCE_FIELD]["content_sha256"],
    )


def _by_content(
    pictures: Sequence[ComparedPicture],
) -> tuple[NDArray[np.intp], dict[int, list[int]]]:
    """Return the first row of each distinct content, and all rows with that content by its first row."""
    rows: dict[str, list[int]] = {}
    for row, picture in enumerate(pictures):
        rows.setdefault(picture.content, []).append(row)
    copies = {same[0]: same for same in rows.values()}
    return np.fromiter(copies, np.intp, len(copies)), copies


def _closest(vectors: NDArray[np.float32], on_progress: StepProgress) -> NearestNeighbours:
    if len(vectors) < 2:
        return NearestNeighbours(np.zeros(0, np.intp), np.zeros(0, np.float32))
    return nearest_neighbours(vectors, lambda more: on_progress("compared", more))


def _members(
    group: Sequence[int],
    pictures: Sequence[ComparedPicture],
    vectors: NDArray[np.float32],
    copies: dict[int, list[int]],
) -> tuple[GroupMember, ...]:
    """Return the group's pictures with their copies: the first one, then the others by similarity to it."""
    first = group[0]
    members = [
        GroupMember(pictures[row], min(1.0, float(vectors[row] @ vectors[first])), lead == first)
        for lead in group
        for row in copies[lead]
    ]
    return tuple(sorted(members, key=lambda one: (not one.same_bytes, -one.cosine)))
