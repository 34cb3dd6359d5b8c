"""From points to items: the `top` nearest items, whichever engine ranks the points.

An engine is asked for a few more points than items are wanted. While that gives too few items, it is
asked again without the items already found, so that one item with a thousand pictures costs one more
question and not a thousand points. Last, items that may have more pictures than came back are asked for
theirs. Every engine goes through here, so all of them group alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from vitrine.store.base import Hit, ItemHits

OVERFETCH = 3  #: Points asked for each item wanted; catalogs have one to three pictures an item.
MIN_FETCH = 16
MAX_FETCH = 10_000


class Ranker(Protocol):
    """What an engine does for one query; its filter and its vector are its own business."""

    def nearest(self, limit: int, without_items: Sequence[str]) -> list[Hit]:
        """The `limit` nearest points, best first, leaving out those items."""

    def nearest_of(self, items: Sequence[str], limit: int) -> list[list[Hit]]:
        """For each item its `limit` nearest points, best first."""


def group_by_item(
    ranker: Ranker, top: int, per_item: int, exclude: Sequence[str]
) -> list[ItemHits]:
    """The `top` nearest items, best first, each with up to `per_item` of its hits."""
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
    """Hits by their item, both in the order in which they came."""
    items: dict[str, list[Hit]] = {}
    for hit in hits:
        items.setdefault(hit.item_id, []).append(hit)
    return items
