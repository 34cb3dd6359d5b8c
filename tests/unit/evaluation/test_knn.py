"""The neighbours and their vote, compared with a count one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.evaluation.samples import unit
from vitrine.evaluation import knn as knn_module
from vitrine.evaluation import neighbours as neighbours_module
from vitrine.evaluation.knn import knn_vote
from vitrine.evaluation.neighbours import Gallery, Neighbours, nearest


def ranked_by_hand(
    question: NDArray[np.float32], known: Gallery, group: int, count: int
) -> list[tuple[float, int]]:
    """Return the distances and rows of the nearest neighbours from other groups."""
    others = [
        (math.dist(question.tolist(), vector.tolist()), row)
        for row, vector in enumerate(known.vectors)
        if known.groups[row] != group
    ]
    return sorted(others)[:count]


def voted_by_hand(near: list[tuple[float, int]], classes: list[int]) -> list[int]:
    """Return the classes by their vote, largest first; classes with equal votes in order."""
    same = [row for distance, row in near if distance == 0]
    tally: dict[int, float] = {}
    for distance, row in near:
        weight = float(row in same) if same else 1.0 / distance
        tally[classes[row]] = tally.get(classes[row], 0.0) + weight
    voted = [(-weight, label) for label, weight in tally.items() if weight > 0]
    return [label for _, label in sorted(voted)][:5]


@given(seed=st.integers(0, 10_000), count=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_the_guesses_are_those_of_a_vote_counted_one_by_one(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    known = Gallery(unit(random.normal(size=(9, 4))), random.integers(0, 4, 9))
    asked = Gallery(unit(random.normal(size=(5, 4))), random.integers(0, 6, 5))
    classes = random.integers(0, 3, 9)
    near = nearest(asked, known, count)
    guesses = knn_vote(near, classes, 3)
    for question in range(5):
        by_hand = ranked_by_hand(asked.vectors[question], known, int(asked.groups[question]), count)
        rows = [row for row in near.rows[question].tolist() if row >= 0]
        assert rows == [row for _, row in by_hand]
        guessed = [label for label in guesses.classes[question].tolist() if label >= 0]
        assert guessed == voted_by_hand(by_hand, classes.tolist())


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    gallery = Gallery(unit(random.normal(size=(40, 8))), np.arange(40))
    classes = random.integers(0, 5, 40)
    whole = nearest(gallery, gallery, 7)
    guesses = knn_vote(whole, classes, 5)
    monkeypatch.setattr(neighbours_module, "_BLOCK_VALUES", 100)  # two questions at a time
    monkeypatch.setattr(knn_module, "_BLOCK_VALUES", 10)
    in_blocks = nearest(gallery, gallery, 7)
    np.testing.assert_array_equal(in_blocks.rows, whole.rows)
    np.testing.assert_array_equal(knn_vote(in_blocks, classes, 5).classes, guesses.classes)


def test_no_neighbour_is_of_the_questions_own_group() -> None:
    vectors = unit([[1, 0], [1, 0.01], [0, 1]])
    near = nearest(Gallery(vectors[:1], np.array([7])), Gallery(vectors, np.array([7, 7, 8])), 3)
    assert near.rows.tolist() == [[2, -1, -1]]
    assert np.isinf(near.distances[0, 1:]).all()


def test_a_picture_that_is_there_already_decides_alone() -> None:
    near = Neighbours(np.array([[0, 1, 2]]), np.array([[0.0, 0.01, 0.01]], np.float32))
    guesses = knn_vote(near, np.array([2, 1, 1]), 3)
    assert guesses.classes[0].tolist() == [2, -1, -1, -1, -1]
    assert guesses.shares[0, 0] == 1.0


def test_who_has_no_neighbour_guesses_nothing() -> None:
    near = Neighbours(np.array([[-1, -1]]), np.full((1, 2), np.inf, np.float32))
    guesses = knn_vote(near, np.array([0, 1]), 2)
    assert guesses.classes[0].tolist() == [-1] * 5
    assert not guesses.right(np.array([0]), 5).any()


def test_top_five_is_wider_than_top_one() -> None:
    near = Neighbours(np.array([[0, 1, 2]]), np.array([[0.1, 0.2, 0.3]], np.float32))
    guesses = knn_vote(near, np.array([4, 3, 0]), 6)
    assert guesses.classes[0].tolist() == [4, 3, 0, -1, -1]
    assert guesses.right(np.array([0]), 5).tolist() == [True]
    assert guesses.right(np.array([0]), 1).tolist() == [False]
    assert guesses.right(np.array([1]), 5).tolist() == [False]
