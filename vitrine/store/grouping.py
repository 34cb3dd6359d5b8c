"""Group points into the `top` nearest items, whichever engine ranks the points.

First request a few more points than the number of items wanted. While that yields too few items, query
again excluding the items already found, so that an item with a thousand pictures costs one more query
and not a thousand points. Finally, fetch the remaining pictures of items that may have more than were
returned. Every engine uses this code, so that all group the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from vitrine.store.base import Hit, ItemHits

OVERFETCH = 3  #: Points fetched per requested item; catalogs have one to three pictures per item.
MIN_FETCH = 16
MAX_FETCH = 10_000


class Ranker(Protocol):
    """The queries of one search. The engine keeps its own filter and vector."""

    def nearest(self, limit: int, without_items: Sequence[str]) -> list[Hit]:
        """Return the `limit` nearest points, best first, excluding these items."""

    def nearest_of(self, items: Sequence[str], limit: int) -> list[list[Hit]]:
        """Return the `limit` nearest points of each item, best first."""


def group_by_item(
    ranker: Ranker, top: int, per_item: int, exclude: Sequence[str]
) -> list[ItemHits]:
    """Return the `top` nearest items, best first, each with up to `per_item` of its hits."""
    found = _nearest_items(ranker, top, exclude)
    if per_item > 1:
        items = list(found)
        for item, hits in zip(items, ranker.nearest_of(items, per_item), strict=True):
            found[item] = hits or found[item]
    groups = [ItemHits(item, tuple(hits[:per_item])) for item, hits in found.items()]
    return sorted(groups, key=lambda group: (-group.score, group.item_id))[:top]


def _nearest_items(ranker: Ranker, top: int, exclude: Sequence[str]) -> dict[str, list[Hit]]:
    found: dict[str, list[Hit]] = {}
    limit = max(MIN_FETCH, OVERFETCH * top)
    while len(found) < top:
        hits = ranker.nearest(limit, [*exclude, *found])
        for item, ranked in hits_by_item(hits).items():
            found.setdefault(item, ranked)
        if len(hits) < limit:
            break
        limit = min(MAX_FETCH, 2 * limit)
    return dict(list(found.items())[:top])


def hits_by_item(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    """Group hits by item, keeping the order of both items and hits."""
    items: dict[str, list[Hit]] = {}
    for hit in hits:
        items.setdefault(hit.item_id, []).append(hit)
    return items
