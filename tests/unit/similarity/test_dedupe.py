"""Near-identical pictures of a whole collection, over an in-memory store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.core.errors import BadInput, NotFound
from vitrine.core.types import point_id
from vitrine.similarity import dedupe
from vitrine.similarity.dedupe import Duplicates, find_duplicates
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.testing.memory_store import MemoryStore

SPACE = EmbeddingSpace("m", "r", "p", 24)
APART = np.random.default_rng(8).standard_normal((40, 24))


def stored(rows: NDArray[np.float64], items: Sequence[str], contents: Sequence[str]) -> MemoryStore:
    """Return a store with the collection `shop`; a repeated item gets its next picture."""
    store = MemoryStore()
    store.ensure("shop", SPACE)
    indexes = [items[:row].count(item) for row, item in enumerate(items)]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    points = PointBatch(
        ids=[point_id("shop", item, index) for item, index in zip(items, indexes, strict=True)],
        vectors=unit.astype(np.float32),
        item_ids=items,
        indexes=indexes,
        urls=[f"https://h/{row}.jpg" for row in range(len(items))],
        fields=[{}] * len(items),
        provenance=[Provenance("j", "m", "r", "p", content, None, "t") for content in contents],
    )
    store.upsert("shop", points)
    return store


def groups(found: Duplicates) -> list[list[str]]:
    return [
        [f"{member.picture.item_id}#{member.picture.index}" for member in group]
        for group in found.groups
    ]


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:02}" for number in range(count)]


def test_a_collection_of_different_pictures_has_no_groups() -> None:
    found = find_duplicates(stored(APART, numbered("i", 40), numbered("c", 40)), "shop")
    assert groups(found) == []
    assert found.pictures == 40
    assert found.threshold.chosen


def test_one_picture_used_everywhere_is_one_group_however_few_others_there_are() -> None:
    rows = np.concatenate([APART[[0] * 30], APART[1:3]])
    store = stored(rows, numbered("i", 32), ["No collection exists yet"] * 30 + ["x", "y"])
    found = find_duplicates(store, "shop")
    assert groups(found) == [[f"i{number:02}#0" for number in range(30)]]
    assert all(member.same_bytes for member in found.groups[0])


@pytest.mark.parametrize("count", [0, 1], ids=["none", "one"])
def test_no_pair_is_no_group(count: int) -> None:
    assert (
        groups(find_duplicates(stored(APART[:count], numbered("i", count), ["c"] * count), "shop"))
        == []
    )


def test_copies_of_a_copy_come_with_it_and_pictures_of_one_item_too() -> None:
    rows = np.concatenate([APART, APART[[0, 0, 5]] + 0.01 * APART[[7, 7, 8]]])
    items = [*numbered("i", 40), "near", "again", "i05"]
    contents = [*numbered("c", 40), "n", "n", "m"]
    found = find_duplicates(stored(rows, items, contents), "shop")
    assert sorted(map(sorted, groups(found))) == [
        ["again#0", "i00#0", "near#0"],
        ["i05#0", "i05#1"],
    ]
    assert min(member.cosine for group in found.groups for member in group) > 0.99


def test_the_order_in_which_points_come_changes_nothing() -> None:
    rows = np.concatenate([APART, APART[:4] + 0.01 * APART[10:14]])
    items, contents = numbered("i", 44), numbered("c", 44)
    forward = find_duplicates(stored(rows, items, contents), "shop")
    backward = find_duplicates(stored(rows[::-1], items[::-1], contents[::-1]), "shop")
    assert groups(forward) == groups(backward)
    assert len(groups(forward)) == 4


def test_progress_is_told_of_every_picture() -> None:
    told: Counter[str] = Counter()

    def on_progress(step: str, more: int) -> None:
        told[step] += more

    find_duplicates(
        stored(APART, numbered("i", 40), numbered("c", 40)), "shop", on_progress=on_progress
    )
    assert told == {"read": 40, "compared": 40}


def test_a_collection_too_large_to_compare_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedupe, "MAX_PICTURES", 39)
    with pytest.raises(BadInput, match="40 pictures; at most 39"):
        find_duplicates(stored(APART, numbered("i", 40), numbered("c", 40)), "shop")


def test_an_unknown_collection_is_not_found() -> None:
    with pytest.raises(NotFound, match="absent"):
        find_duplicates(MemoryStore(), "absent")
