"""Grouping points by item: correct for any page size of the engine and any order of the pictures."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from vitrine.store.base import Hit
from vitrine.store.grouping import MIN_FETCH, group_by_item, hits_by_item


class Ranking:
    """A ranker over a list of hits, which counts its calls."""

    def __init__(self, items: Sequence[int]) -> None:
        self.hits = [
            Hit(id=str(row), score=1 - row / 1000, item_id=f"i{item}", index=row, url="")
            for row, item in enumerate(items)
        ]
        self.questions = 0

    def nearest(self, limit: int, without_items: Sequence[str]) -> list[Hit]:
        self.questions += 1
        return [hit for hit in self.hits if hit.item_id not in without_items][:limit]

    def nearest_of(self, items: Sequence[str], limit: int) -> list[list[Hit]]:
        return [[hit for hit in self.hits if hit.item_id == item][:limit] for item in items]


@given(
    st.lists(st.integers(0, 12), max_size=200),
    st.integers(1, 15),
    st.integers(1, 4),
    st.sets(st.integers(0, 12)),
)
def test_grouping_equals_sorting_everything(
    items: list[int], top: int, per_item: int, excluded: set[int]
) -> None:
    ranking = Ranking(items)
    exclude = [f"i{item}" for item in excluded]
    kept = hits_by_item(hit for hit in ranking.hits if hit.item_id not in exclude)
    expected = [(item, tuple(hits[:per_item])) for item, hits in kept.items()][:top]
    found = group_by_item(ranking, top, per_item, exclude)
    assert [(entry.item_id, entry.hits) for entry in found] == expected


def test_an_item_of_a_thousand_pictures_costs_one_more_question() -> None:
    ranking = Ranking([0] * 900 + list(range(1, 40)))
    found = group_by_item(ranking, 5, 1, [])
    assert [entry.item_id for entry in found] == ["i0", "i1", "i2", "i3", "i4"]
    assert ranking.questions == 2


def test_one_question_is_enough_where_pictures_are_few() -> None:
    ranking = Ranking([row // 2 for row in range(100)])
    assert len(group_by_item(ranking, MIN_FETCH // 2, 1, [])) == MIN_FETCH // 2
    assert ranking.questions == 1
