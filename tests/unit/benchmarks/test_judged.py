"""The measures of the neighbours benchmark, on data with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.parts.judged import copies_found, cuts, steered

CLASSES, EACH = 12, 8


@pytest.fixture
def clear() -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Vectors and labels of twelve distant classes."""
    drawn = np.random.default_rng(4)
    centres = drawn.standard_normal((CLASSES, 48))
    rows = np.repeat(centres, EACH, axis=0) + 0.3 * drawn.standard_normal((CLASSES * EACH, 48))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.repeat([f"class {number}" for number in range(CLASSES)], EACH)
    return rows.astype(np.float32), labels


def test_classes_far_apart_are_cut_right(
    clear: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    found = cuts(*clear)
    assert found.best_possible == pytest.approx(1)
    assert found.per_question > 0.95
    assert found.flat > 0.95
    # Seven are right: for the first ten that is a precision of 0.7 at a recall of 1.
    assert found.always == pytest.approx(2 * 7 / (10 + 7))


def test_copies_are_counted_by_what_they_are_grouped_with(
    clear: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    vectors, _ = clear
    files = [f"{row}.jpg" for row in range(len(vectors))]
    both = np.concatenate([vectors, vectors[:20]])
    (found, everything) = copies_found(both, [*files, *files[:20]], [0.1, 0.5])
    assert (found.found, found.false) == (1, 0)
    assert everything.false > 20


def test_steering_with_right_examples_does_not_harm_what_is_clear(
    clear: tuple[NDArray[np.float32], NDArray[np.str_]],
) -> None:
    found = steered(*clear)
    assert found["plain"] == pytest.approx(1)
    assert found["plus_and_minus"] == pytest.approx(1)
