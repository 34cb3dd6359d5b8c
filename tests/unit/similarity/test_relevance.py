from __future__ import annotations

import numpy as np
import pytest

from vitrine.similarity.relevance import CUT_RATIO, MIN_SPREADS_ABOVE, NEAREST, compute_relevance
from vitrine.similarity.score_baseline import (
    MIN_VECTORS,
    SMALLEST_SPREAD,
    BaselineScores,
    ScoreBaseline,
)

BACKGROUND = BaselineScores(middle=0.2, spread=0.02, count=500)
ALL = 2.0  #: No hit is a copy of the question.


def test_the_cut_lies_between_the_background_and_the_nearest() -> None:
    found = compute_relevance(BACKGROUND, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], copies=ALL)
    assert found.cut == pytest.approx(0.2 + CUT_RATIO * (0.7 - 0.2))
    assert (found.middle, found.spread, found.sample) == (0.2, 0.02, 500)


def test_copies_of_the_question_do_not_cut_off_its_relatives() -> None:
    relatives = [0.7, 0.68, 0.66, 0.64, 0.62]
    alone = compute_relevance(BACKGROUND, relatives, copies=0.99)
    with_copies = compute_relevance(BACKGROUND, [1.0, 0.995, *relatives], copies=0.99)
    assert with_copies == alone
    assert with_copies.cut < min(relatives)


def test_hits_no_nearer_than_the_background_are_not_relevant() -> None:
    found = compute_relevance(BACKGROUND, [0.21] * NEAREST, copies=ALL)
    assert found.cut == pytest.approx(0.2 + MIN_SPREADS_ABOVE * 0.02)


@pytest.mark.parametrize("scores", [[], [1.0, 1.0]], ids=["no hits", "copies only"])
def test_without_other_hits_only_standing_out_counts(scores: list[float]) -> None:
    assert compute_relevance(BACKGROUND, scores, copies=0.99).cut == pytest.approx(
        0.2 + MIN_SPREADS_ABOVE * 0.02
    )


def test_scores_of_another_scale_are_cut_at_the_same_hits() -> None:
    """As with another model, or with text instead of pictures: all scores are shifted and compressed alike."""
    scores = [0.9, 0.8, 0.72, 0.6, 0.5, 0.4, 0.3]
    kept = [score >= compute_relevance(BACKGROUND, scores, copies=ALL).cut for score in scores]
    squeezed = [0.05 + 0.1 * score for score in scores]
    elsewhere = BaselineScores(0.05 + 0.1 * 0.2, 0.002, 500)
    cut = compute_relevance(elsewhere, squeezed, copies=ALL).cut
    assert [score >= cut for score in squeezed] == kept
    assert 0 < sum(kept) < len(kept)


def test_a_background_tells_where_most_scores_lie_whatever_is_relevant() -> None:
    drawn = np.random.default_rng(2)
    scores = np.concatenate([drawn.normal(0.3, 0.05, 900), drawn.normal(0.9, 0.01, 30)])
    sample = np.stack([scores, np.sqrt(1 - scores**2)], axis=1).astype(np.float32)
    told = ScoreBaseline(sample).scores(np.array([1, 0], np.float32))
    assert told.middle == pytest.approx(0.3, abs=0.01)
    assert told.spread == pytest.approx(0.05, abs=0.01)
    assert told.count == 930


def test_a_collection_of_one_picture_has_some_spread() -> None:
    same = np.tile(np.array([[0, 1]], np.float32), (100, 1))
    assert ScoreBaseline(same).scores(np.array([0, 1], np.float32)).spread == SMALLEST_SPREAD


@pytest.mark.parametrize(
    ("count", "telling"), [(0, False), (MIN_VECTORS - 1, False), (MIN_VECTORS, True)]
)
def test_few_pictures_tell_nothing(count: int, telling: bool) -> None:
    assert ScoreBaseline(np.ones((count, 1), np.float32)).is_sufficient is telling
