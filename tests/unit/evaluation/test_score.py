"""Proportions with their intervals, and comparisons of two models."""

from __future__ import annotations

import numpy as np
import pytest

from vitrine.evaluation.score import McNemarTest, Proportion


def test_the_interval_is_wilsons() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for correct, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert Proportion(correct, of).interval == pytest.approx((low, high), abs=5e-5)


def test_nothing_asked_says_nothing() -> None:
    assert (Proportion(0, 0).share, Proportion(0, 0).interval) == (0.0, (0.0, 1.0))


def test_a_score_counts_what_is_right() -> None:
    score = Proportion.counted(np.array([True, False, True, True]))
    assert score.as_json() == {
        "share": 0.75, "low": 0.3006, "high": 0.9544, "correct": 3, "of": 4
    }  # fmt: skip


def test_a_duel_counts_only_where_the_models_differ() -> None:
    first = np.array([True, True, True, False, False])
    second = np.array([True, False, False, True, False])
    assert McNemarTest.from_outcomes(first, second) == McNemarTest(2, 1)


@pytest.mark.parametrize(
    ("duel", "p_value"),
    [
        (McNemarTest(0, 0), 1.0),
        (McNemarTest(3, 3), 1.0),
        (McNemarTest(0, 5), 0.0625),
        (McNemarTest(9, 1), 0.021484375),
        (McNemarTest(1, 9), 0.021484375),
    ],
)
def test_the_p_value_is_the_two_sided_binomial(duel: McNemarTest, p_value: float) -> None:
    assert duel.p_value == pytest.approx(p_value)


def test_a_duel_over_many_thousands_of_questions_is_computed() -> None:
    assert McNemarTest(4000, 3000).p_value == pytest.approx(0.0, abs=1e-9)
    assert 0.2 < McNemarTest(2540, 2460).p_value < 0.3
