from __future__ import annotations

import math

import pytest

from vitrine.store.counting import round_edges


@pytest.mark.parametrize(
    ("low", "high", "edges"),
    [
        (0, 100, [10 * n for n in range(12)]),
        (9.5, 41, [5, 10, 15, 20, 25, 30, 35, 40, 45]),
        (-3, 3, [-3, -2, -1, 0, 1, 2, 3, 4]),
        (0.1, 0.7, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
        (7, 7, []),
        (0, 1e301, []),
    ],
    ids=["hundred", "prices", "about zero", "tenths", "one number", "beyond the limit"],
)
def test_edges_are_round(low: float, high: float, edges: list[float]) -> None:
    assert round_edges(low, high) == edges


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.1, 0.35),
        (1e16, 1e16 + 2),
        (-1e300, 1e300),
        (5e-324, 1e-323),
        (1e9, 1e9 + 1e-6),
        (-7, -1),
    ],
    ids=["fractions", "next to each other", "the widest", "the smallest", "far off", "below zero"],
)
def test_every_number_is_in_exactly_one_bin(low: float, high: float) -> None:
    found = round_edges(low, high)
    assert found == sorted(set(found))
    assert found[0] <= low
    assert found[-1] > high
    assert all(math.isfinite(edge) for edge in found)
