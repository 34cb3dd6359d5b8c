"""Recall and average precision, compared with a count one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evaluation.samples import unit
from vitrine.evaluation.neighbours import Gallery
from vitrine.evaluation.retrieval import retrieve


def by_hand(gallery: Gallery, labels: list[int], row: int) -> tuple[int, float] | None:
    """Return the rank of the first relevant picture and the average precision of one question,
    or None if none is relevant."""
    cosines = gallery.vectors @ gallery.vectors[row]
    others = [other for other in range(len(labels)) if gallery.groups[other] != gallery.groups[row]]
    others.sort(key=lambda other: -cosines[other])
    ranks = [rank for rank, other in enumerate(others, 1) if labels[other] == labels[row]]
    if not ranks:
        return None
    precisions = [found / rank for found, rank in enumerate(ranks, 1)]
    return ranks[0], sum(precisions) / len(precisions)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_measures_are_those_counted_one_by_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    gallery = Gallery(unit(random.normal(size=(14, 5))), random.integers(0, 9, 14))
    labels = random.integers(0, 4, 14)
    asked = np.arange(14)
    found = retrieve(gallery, labels, asked)
    expected = [one for row in range(14) if (one := by_hand(gallery, labels.tolist(), row))]
    assert found.first.tolist() == [first for first, _ in expected]
    assert found.precision == pytest.approx([precision for _, precision in expected])
    assert found.unasked == 14 - len(expected)


def test_a_perfect_ranking_scores_one_and_the_worst_little() -> None:
    gallery = Gallery(unit([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]), np.arange(4))
    good = retrieve(gallery, np.array([0, 0, 1, 1]), np.arange(4))
    assert good.mean_precision == 1.0
    assert good.right(1).all()
    bad = retrieve(gallery, np.array([0, 1, 1, 0]), np.arange(4))
    assert bad.mean_precision < 0.5
    assert not bad.right(1).any()


def test_pictures_without_a_relevant_one_are_not_asked() -> None:
    gallery = Gallery(unit([[1, 0], [0, 1], [1, 1]]), np.arange(3))
    found = retrieve(gallery, np.array([0, 1, 2]), np.arange(3))
    assert (len(found.first), found.unasked, found.mean_precision) == (0, 3, 0.0)
    assert found.as_json()["recall_at_1"]["of"] == 0
