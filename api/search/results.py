"""One page of a search's hits: read from the store, cut at the relevance limit, near-duplicates grouped.

Each page queries the store again from the best hit on, so no state is kept between pages, and any client with the
query can request any page. This limits the depth of pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from api.requests import bodies
from api.schemas.search import HitOut, SearchOptions
from api.search.query_vector import StoreQuery
from api.search.sample_cache import SampleCache
from vitrine.core.filters import Filter
from vitrine.similarity.duplicates import group_near_duplicates
from vitrine.similarity.relevance import HITS_NEEDED, Relevance, compute_relevance
from vitrine.similarity.score_baseline import ScoreBaseline
from vitrine.store import EmbeddingSpace, Hit, ItemHits, VectorStore
from vitrine.store.checks import MAX_TOP

MAX_WITH_PICTURES = 200
"""Depth of pages with several pictures per item: each item costs the store a separate query."""


@dataclass(slots=True)
class HitGroup:
    """An item, and the hits of other items with nearly the same picture."""

    found: ItemHits
    duplicates: list[Hit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of results."""

    hits: list[HitOut]
    next_offset: int | None
    relevance: Relevance | None


def max_depth(options: SearchOptions) -> int:
    """Return the maximum depth of pages, in items; raise `RequestValidationError` if the requested page starts beyond it."""
    most = MAX_TOP if options.pictures_per_item == 1 else MAX_WITH_PICTURES
    if options.offset >= most:
        raise bodies.refuse_field(
            "offset", f"Pages with several pictures of an item end at {most} items."
        )
    return most


def read_page(
    store: VectorStore,
    backgrounds: SampleCache,
    aim: StoreQuery,
    *,
    options: SearchOptions,
    where: Filter | None,
    space: EmbeddingSpace,
) -> ResultPage:
    """Return the page that the options describe."""
    search = _Search(store, aim, options, where)
    background = None
    if options.relevance != "off" or options.group_duplicates:
        background = backgrounds.of(options.collection, space)
    groups = search.groups(background)
    relevance = None if options.relevance == "off" else _relevance(background, aim, groups)
    if relevance is not None and options.relevance == "cut":
        groups = [group for group in groups if group.found.score >= relevance.cut]
    shown = groups[options.offset : search.end]
    vectors = search.vectors([group.found.hits[0].id for group in shown]) if options.vectors else {}
    return ResultPage(
        hits=[
            HitOut.of(
                rank, group.found, relevance=relevance, duplicates=group.duplicates,
                vector=_listed(vectors.get(group.found.hits[0].id)),
            )
            for rank, group in enumerate(shown, options.offset + 1)
        ],
        next_offset=search.end if len(groups) > search.end else None,
        relevance=relevance,
    )  # fmt: skip


def _listed(vector: NDArray[np.float32] | None) -> list[float] | None:
    return None if vector is None else vector.tolist()


def _relevance(
    background: ScoreBaseline | None, aim: StoreQuery, groups: Sequence[HitGroup]
) -> Relevance | None:
    if background is None or not background.is_sufficient:
        return None
    scores = [group.found.score for group in groups]
    copies = background.near_duplicates.cosine
    return compute_relevance(background.scores(aim.vector), scores, copies=copies)


class _Search:
    """One search in one collection, as deep as its page requires."""

    def __init__(
        self, store: VectorStore, aim: StoreQuery, options: SearchOptions, where: Filter | None
    ) -> None:
        self._store = store
        self._aim = aim
        self._options = options
        self._where = where
        self._deepest = max_depth(options)
        self.end = min(options.offset + options.top, self._deepest)

    def groups(self, background: ScoreBaseline | None) -> list[HitGroup]:
        """Return at least one group more than the page needs, if there is one, which tells whether another page follows."""
        needed = HITS_NEEDED if self._options.relevance != "off" else 0
        depth = min(max(self.end + 1, needed), self._deepest)
        if background is None or not self._options.group_duplicates:
            return [HitGroup(found) for found in self._ask(depth)]
        while True:
            found = self._ask(depth)
            groups = self._gathered(found, background.near_duplicates.cosine)
            if len(groups) > self.end or len(found) < depth or depth == self._deepest:
                return groups
            depth = min(2 * depth, self._deepest)

    def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the stored vectors of points, by id."""
        points = self._store.points(self._options.collection, ids)
        return {point.id: point.vector for point in points}

    def _ask(self, depth: int) -> list[ItemHits]:
        options = self._options
        return self._store.search(
            options.collection, self._aim.vector, top=depth, where=self._where,
            exclude_items=self._aim.exclude, per_item=options.pictures_per_item,
            exact=options.exact,
        )  # fmt: skip

    def _gathered(self, found: Sequence[ItemHits], cosine: float) -> list[HitGroup]:
        """Return the items in their order, with each near-duplicate moved to the group of the item before it."""
        ids = [item.hits[0].id for item in found]
        stored = self.vectors(ids)
        there = [item for item in found if item.hits[0].id in stored]
        if not there:
            return []
        groups: dict[int, HitGroup] = {}
        vectors = np.stack([stored[item.hits[0].id] for item in there])
        leads = group_near_duplicates(vectors, cosine)
        for item, lead in zip(there, leads, strict=True):
            if lead in groups:
                groups[lead].duplicates.append(item.hits[0])
            else:
                groups[lead] = HitGroup(item)
        return list(groups.values())
