"""The recall of an index, on a store that leaves out hits on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.evaluation.samples import SPACE, unit
from vitrine.core.store_options import StoreOptions
from vitrine.evaluation.index_recall import measure_index_recall, recall_of
from vitrine.store.base import Hit, ItemHits, PointBatch, Provenance, VectorStore
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.testing.memory_store import MemoryStore

PROVENANCE = Provenance("job", "made", "r1", "rgb-1", "0" * 64, None, "2026-01-01T00:00:00Z")


class Forgetful(MemoryStore):
    """Leaves out the second best hit, unless the search is exact."""

    def search(self, *arguments: Any, exact: bool = False, **named: Any) -> list[ItemHits]:
        found = super().search(*arguments, exact=exact, **named)
        return found if exact else [found[0], *found[2:]]


def filled(store: VectorStore, vectors: NDArray[np.float32]) -> None:
    count = len(vectors)
    store.ensure("shop", SPACE)
    items = [f"i{n}" for n in range(count)]
    ids = [f"00000000-0000-0000-0000-{n:012d}" for n in range(count)]
    urls = ["http://h/1"] * count
    batch = PointBatch(ids, vectors, items, [0] * count, urls, [{}] * count, [PROVENANCE] * count)
    store.upsert("shop", batch)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return unit(np.random.default_rng(1).normal(size=(30, SPACE.dimension)))


def questions(count: int) -> Sequence[str]:
    return [f"i{n}" for n in range(count)]


def test_an_index_that_finds_all_has_a_recall_of_one(vectors: NDArray[np.float32]) -> None:
    store = MemoryStore(options=StoreOptions(index_points=10))
    filled(store, vectors)
    found = measure_index_recall(store, "shop", vectors[:8], questions(8))
    assert (found.recall, found.questions, found.points, found.indexed) == (1.0, 8, 30, 30)
    assert found.approximate is not None
    assert found.approximate.questions == 5
    assert found.as_json()["exact"]["questions"] == 5


def test_what_the_index_leaves_out_is_counted(vectors: NDArray[np.float32]) -> None:
    store = Forgetful()
    filled(store, vectors)
    found = measure_index_recall(store, "shop", vectors[:8], questions(8))
    assert found.recall == pytest.approx(0.9)


def test_two_questions_are_too_few_to_time(vectors: NDArray[np.float32]) -> None:
    store = MemoryStore()
    filled(store, vectors)
    found = measure_index_recall(store, "shop", vectors[:2], questions(2))
    assert (found.questions, found.approximate, found.as_json()["exact"]) == (2, None, None)


def hits(*scores: float) -> list[ItemHits]:
    return [
        ItemHits(f"{n}", (Hit(f"{n}", score, f"{n}", 0, ""),)) for n, score in enumerate(scores)
    ]


def test_an_item_as_near_as_the_last_is_as_good() -> None:
    assert recall_of(hits(0.9, 0.5), hits(0.9, 0.5)) == 1.0
    assert recall_of(hits(0.9, 0.4999999), hits(0.9, 0.5)) == 1.0
    assert recall_of(hits(0.9, 0.4), hits(0.9, 0.5)) == 0.5
    assert recall_of([], hits(0.9, 0.5)) == 0.0
    assert recall_of([], []) is None


def test_a_real_graph_is_measured_against_every_vector(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(4).normal(size=(1500, SPACE.dimension)))
    with closing(
        EmbeddedStore(tmp_path / "store", options=StoreOptions(index_points=500))
    ) as store:
        filled(store, vectors)
        assert store.build_and_wait("shop")
        found = measure_index_recall(store, "shop", vectors[:40], questions(40))
    assert (found.points, found.indexed) == (1500, 1500)
    assert 0.8 < found.recall <= 1.0
