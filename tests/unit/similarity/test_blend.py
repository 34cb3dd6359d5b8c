from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.similarity.blend import NEGATIVE_WEIGHT, WeightedVector, blend
from vitrine.similarity.score_baseline import ScoreBaseline

X, Y, Z = np.eye(3, dtype=np.float32)


def unit(*values: float) -> NDArray[np.float32]:
    vector = np.array(values)
    made: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return made


def test_one_example_is_the_question_itself() -> None:
    assert blend([WeightedVector(X, 3.0)], [], None) is X


@pytest.mark.parametrize(
    ("like", "unlike", "expected"),
    [
        ([WeightedVector(X), WeightedVector(Y)], [], unit(1, 1, 0)),
        ([WeightedVector(X, 3.0), WeightedVector(Y)], [], unit(3, 1, 0)),
        ([WeightedVector(X)], [WeightedVector(Y)], unit(1, -NEGATIVE_WEIGHT, 0)),
        ([WeightedVector(X, 5.0)], [WeightedVector(Y)], unit(1, -NEGATIVE_WEIGHT, 0)),
        ([WeightedVector(X)], [WeightedVector(Y, 2.0)], unit(1, -2 * NEGATIVE_WEIGHT, 0)),
        (
            [WeightedVector(X)],
            [WeightedVector(Y), WeightedVector(Z)],
            unit(2, -NEGATIVE_WEIGHT, -NEGATIVE_WEIGHT),
        ),
    ],
    ids=["both", "by weight", "away", "alone, whatever its weight", "harder away", "away from two"],
)
def test_examples_pull_and_push_by_their_weights(
    like: list[WeightedVector], unlike: list[WeightedVector], expected: NDArray[np.float32]
) -> None:
    found = blend(like, unlike, None)
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_examples_that_cancel_out_are_no_question() -> None:
    assert blend([WeightedVector(X), WeightedVector(-X)], [], None) is None
    assert blend([WeightedVector(X)], [WeightedVector(X, 1 / NEGATIVE_WEIGHT)], None) is None


def test_words_count_as_much_as_a_picture_however_close_their_scores_lie() -> None:
    """Pictures and words are in different cones, so all pictures have similar scores for the words."""
    drawn = np.random.default_rng(5)
    pictures = np.zeros((500, 32))
    pictures[:, 2:] = drawn.standard_normal((500, 30))
    pictures[:, 0] = 4
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    picture = pictures[0].astype(np.float32)
    words = np.zeros(32, np.float32)
    words[1], words[2] = np.sqrt(1 - 0.1**2), 0.1
    background = ScoreBaseline(pictures.astype(np.float32))
    shown, said = pictures @ picture, pictures @ words
    assert said.std() < shown.std() / 5

    def explained(target: NDArray[np.float32] | None) -> tuple[float, float]:
        assert target is not None
        scores = pictures @ target
        return float(np.corrcoef(scores, shown)[0, 1]), float(np.corrcoef(scores, said)[0, 1])

    both = [WeightedVector(picture), WeightedVector(words)]
    by_picture, by_words = explained(blend(both, [], background))
    assert by_picture == pytest.approx(by_words, abs=0.1)
    assert by_words > 0.6
    by_picture, by_words = explained(blend(both, [], None))
    assert by_picture > 0.95
    assert by_words < 0.3
