"""What counts as near-identical: a threshold from a collection's own distances, for hits and for whole collections."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.similarity.duplicates import group_near_duplicates
from vitrine.similarity.threshold import (
    DISTANCE_RATIO,
    FALLBACK,
    MIN_VECTORS,
    choose_threshold,
    given_threshold,
    median_pair_distance,
)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(
        np.float32
    )
    return made


def catalog(spread: float, count: int = 300) -> NDArray[np.float32]:
    """Return pictures around one direction; the smaller the spread, the closer they are to it."""
    rows = spread * np.random.default_rng(7).standard_normal((count, 64))
    rows[:, 0] += 1
    return unit(rows)


@pytest.mark.parametrize("spread", [0.02, 0.1, 1.0])
def test_the_threshold_is_a_share_of_the_collection_s_own_distances(spread: float) -> None:
    vectors = catalog(spread)
    chosen = choose_threshold(vectors)
    assert chosen.chosen
    assert chosen.distance == pytest.approx(
        DISTANCE_RATIO * median_pair_distance(vectors), rel=1e-6
    )
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    middle = np.median(distances[np.triu_indices(len(vectors), 1)])
    assert median_pair_distance(vectors) == pytest.approx(middle, rel=0.02)
    assert f"{chosen.cosine:.4f}" in chosen.told


def test_the_same_collection_always_gives_the_same_threshold() -> None:
    assert choose_threshold(catalog(0.1)) == choose_threshold(catalog(0.1))


@pytest.mark.parametrize("count", [0, 1, MIN_VECTORS - 1])
def test_few_pictures_get_a_usual_threshold(count: int) -> None:
    found = choose_threshold(catalog(0.1, count))
    assert (found.cosine, found.chosen) == (FALLBACK, False)


def test_a_threshold_that_is_given_is_taken() -> None:
    found = given_threshold(0.5)
    assert (found.cosine, found.chosen) == (0.5, False)
    assert found.distance == pytest.approx(1)
    assert given_threshold(1).distance == 0


def test_hits_stand_behind_the_best_one_that_they_are_nearly_the_same_as() -> None:
    degrees = np.radians([0, 30, 1, 31, 60, 2, 32])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    assert group_near_duplicates(vectors, float(np.cos(np.radians(3)))) == [0, 1, 0, 1, 4, 0, 1]
    assert group_near_duplicates(vectors[:1], 0.99) == [0]


def test_hits_that_differ_stand_alone() -> None:
    vectors = catalog(1.0, 20)
    assert group_near_duplicates(vectors, choose_threshold(vectors).cosine) == list(range(20))
