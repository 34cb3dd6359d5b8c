"""Pages of hits: how they follow each other, where relevance ends them, and the data of a hit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from api.search.sample_cache import GROWING_SECONDS, KEPT, KEPT_SECONDS, SampleCache
from tests.unit.api.api_fixture import SPACE, Stage, put_vectors
from vitrine.similarity.score_baseline import SAMPLE_SIZE
from vitrine.testing.memory_store import MemoryStore

ITEMS = 60


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(
        np.float32
    )
    return made


@pytest.fixture
def many(stage: Stage) -> Stage:
    """A collection `many` of sixty items: five, `near-…`, are close to the first axis, and three of these are copies."""
    drawn = np.random.default_rng(3)
    rows = drawn.standard_normal((ITEMS, SPACE.dimension))
    rows[:5] = 0.05 * drawn.standard_normal((5, SPACE.dimension))
    rows[:5, 0] += 1
    rows[1:3] = rows[0] + 1e-3 * drawn.standard_normal((2, SPACE.dimension))
    names = [f"near-{row}" if row < 5 else f"far-{row:02}" for row in range(ITEMS)]
    put_vectors(stage.store, "many", unit(rows), [(name, 0, {}) for name in names])
    return stage


def ask(stage: Stage, **body: Any) -> dict[str, Any]:
    axis = [1.0] + [0.0] * (SPACE.dimension - 1)
    answer = stage.client.post("/v1/search", json={"collection": "many", "vector": axis} | body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def items(answer: dict[str, Any]) -> list[str]:
    return [hit["item_id"] for hit in answer["hits"]]


def test_pages_follow_each_other_without_a_gap(many: Stage) -> None:
    whole = items(ask(many, top=100))
    assert len(whole) == ITEMS
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = ask(many, top=17, offset=offset)
        assert [hit["rank"] for hit in page["hits"]] == [
            offset + place for place in range(1, len(page["hits"]) + 1)
        ]
        seen += items(page)
        offset = page["next_offset"]
    assert seen == whole


@pytest.mark.parametrize("offset", [ITEMS, 999])
def test_beyond_the_last_page_is_nothing(many: Stage, offset: int) -> None:
    page = ask(many, offset=offset)
    assert (page["hits"], page["next_offset"]) == ([], None)


def test_near_duplicates_stand_behind_the_best_of_them(many: Stage) -> None:
    plain = items(ask(many, top=5))
    page = ask(many, top=3, group_duplicates=True)
    (lead,) = [hit for hit in page["hits"] if hit["duplicates"]]
    copies = {"near-0", "near-1", "near-2"}
    assert lead["item_id"] == next(item for item in plain if item in copies)
    assert {lead["item_id"], *(one["item_id"] for one in lead["duplicates"])} == copies
    assert set(items(page)) == {lead["item_id"], "near-3", "near-4"}
    assert page["next_offset"] == 3
    assert items(ask(many, top=1, offset=3, group_duplicates=True))[0].startswith("far")


def test_the_cut_leaves_what_stands_out(many: Stage) -> None:
    page = ask(many, top=50, relevance="cut")
    assert {item for item in items(page) if item.startswith("near")} == {
        f"near-{row}" for row in range(5)
    }
    assert len(items(page)) <= 6
    assert page["next_offset"] is None
    told = page["relevance"]
    assert told["background"] < told["cut"] < min(hit["score"] for hit in page["hits"])
    assert told["sample"] == ITEMS


def test_marks_agree_with_the_cut(many: Stage) -> None:
    kept = items(ask(many, top=50, relevance="cut"))
    marked = ask(many, top=50, relevance="mark")["hits"]
    assert len(marked) == 50
    assert [hit["item_id"] for hit in marked if hit["relevant"]] == kept


def test_the_cut_does_not_depend_on_the_page(many: Stage) -> None:
    cuts = {
        ask(many, top=top, offset=offset, relevance="mark")["relevance"]["cut"]
        for top, offset in [(1, 0), (50, 0), (10, 20)]
    }
    assert len(cuts) == 1


def test_too_few_pictures_judge_nothing(stage: Stage) -> None:
    answer = stage.client.post(
        "/v1/search", json={"collection": "summer", "text": "x", "relevance": "cut"}
    ).json()
    assert answer["relevance"] is None
    assert [hit["relevant"] for hit in answer["hits"]] == [None] * 3


def test_relevance_is_not_judged_unasked(many: Stage) -> None:
    page = ask(many)
    assert page["relevance"] is None
    assert {hit["relevant"] for hit in page["hits"]} == {None}


# --- the samples for judging relevance ------------------------------------------------------------


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _store(name: str, points: int) -> MemoryStore:
    store = MemoryStore()
    rows = unit(np.random.default_rng(1).standard_normal((points, SPACE.dimension)))
    put_vectors(store, name, rows, [(f"i{row}", 0, {}) for row in range(points)])
    return store


@pytest.mark.parametrize(("points", "kept"), [(SAMPLE_SIZE, KEPT_SECONDS), (40, GROWING_SECONDS)])
def test_a_sample_is_drawn_anew_after_a_while(points: int, kept: float) -> None:
    clock = _Clock()
    backgrounds = SampleCache(_store("many", points), clock)
    first = backgrounds.of("many", SPACE)
    assert len(first) == points
    clock.now += kept - 1
    assert backgrounds.of("many", SPACE) is first
    clock.now += 1
    assert backgrounds.of("many", SPACE) is not first


def test_only_the_samples_used_last_are_kept() -> None:
    store = _store("c0", 2)
    for number in range(1, KEPT + 1):
        store.ensure(f"c{number}", SPACE)
    backgrounds = SampleCache(store, _Clock())
    drawn = [backgrounds.of(f"c{number}", SPACE) for number in range(KEPT)]
    assert backgrounds.of("c0", SPACE) is drawn[0]
    backgrounds.of(f"c{KEPT}", SPACE)
    assert backgrounds.of("c0", SPACE) is drawn[0]
    assert backgrounds.of("c1", SPACE) is not drawn[1]
