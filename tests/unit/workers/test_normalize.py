"""Unit vectors, and rows that cannot become one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workers.normalize import l2_normalise

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(arrays(np.float32, (3, 7), elements=FLOATS))
def test_every_finite_row_that_is_not_zero_gets_length_one(vectors: np.ndarray) -> None:
    units, usable = l2_normalise(vectors)
    assert units.dtype == np.float32
    assert usable.dtype == np.bool_
    np.testing.assert_array_equal(usable, np.any(vectors != 0, axis=1))
    lengths = np.linalg.norm(units.astype(np.float64), axis=1)
    np.testing.assert_allclose(lengths, usable.astype(float), atol=1e-6)


def test_the_direction_is_kept() -> None:
    units, _ = l2_normalise(np.array([[3.0, -4.0]], dtype=np.float32))
    np.testing.assert_allclose(units, [[0.6, -0.8]], atol=1e-7)


@pytest.mark.parametrize("scale", [1e-45, 1e-30, 1e30, 3e38])
def test_tiny_and_huge_rows_are_scaled_exactly(scale: float) -> None:
    units, usable = l2_normalise(np.full((1, 4), scale, dtype=np.float32))
    assert usable.all()
    np.testing.assert_allclose(units, 0.5, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_non_finite_row_is_unusable_and_leaves_its_neighbours_alone(value: float) -> None:
    vectors = np.array([[1.0, 0.0], [value, 1.0], [0.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    units, usable = l2_normalise(vectors)
    assert usable.tolist() == [True, False, False, True]
    assert units.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]


def test_no_rows_give_no_rows() -> None:
    units, usable = l2_normalise(np.empty((0, 5), dtype=np.float32))
    assert units.shape == (0, 5)
    assert usable.shape == (0,)
