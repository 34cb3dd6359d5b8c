from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.core.errors import BadInput
from vitrine.similarity import pairs
from vitrine.similarity.pairs import nearest_neighbours, star_groups


def on_a_circle(*degrees: float) -> NDArray[np.float32]:
    """Return unit vectors at these angles."""
    angles = np.radians(degrees)
    made: NDArray[np.float32] = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(
        np.float32
    )
    return made


def cosine_of(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


@pytest.mark.parametrize("block", [1, 7, 8_000_000], ids=["single", "blocks", "whole"])
def test_the_nearest_other_is_found(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(pairs, "BLOCK_VALUES", block)
    counted: list[int] = []
    found = nearest_neighbours(on_a_circle(0, 10, 12, 90, 91), counted.append)
    assert found.rows.tolist() == [1, 2, 1, 4, 3]
    expected = 2 * np.sin(np.radians([10, 2, 2, 1, 1]) / 2)
    np.testing.assert_allclose(found.distances, expected, atol=1e-6)
    assert sum(counted) == 5


def test_a_copy_is_at_no_distance() -> None:
    assert nearest_neighbours(on_a_circle(33, 33, 80)).distances.tolist()[:2] == [0, 0]


@pytest.mark.parametrize("block", [1, 8_000_000], ids=["single", "whole"])
def test_what_is_near_each_other_is_a_group(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(pairs, "BLOCK_VALUES", block)
    vectors = on_a_circle(0, 40, 1, 80, 81, 2)
    assert star_groups(vectors, cosine_of(5)) == [[0, 2, 5], [3, 4]]


def test_a_chain_of_small_steps_is_not_one_group() -> None:
    vectors = on_a_circle(0, 4, 8, 12, 16)
    groups = star_groups(vectors, cosine_of(5))
    assert groups == [[1, 0, 2], [3, 4]]
    for group in groups:
        assert (vectors[group] @ vectors[group[0]] > cosine_of(5)).all()


def test_nothing_near_is_no_group() -> None:
    assert star_groups(on_a_circle(0, 50, 100), cosine_of(5)) == []
    assert star_groups(np.zeros((0, 2), np.float32), 0.9) == []


def test_a_threshold_that_tells_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MAX_PAIRS", 10)
    with pytest.raises(BadInput, match="nearer to 1"):
        star_groups(on_a_circle(*range(5)), 0.5)
