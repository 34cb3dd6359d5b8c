"""Bins of dates: whole days, weeks, months and years."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrine.core.datetimes import is_datetime, stored_text
from vitrine.store.date_bins import MAX_BINS, date_edges

MOMENTS = st.datetimes(max_value=dt.datetime(8000, 1, 1)).map(stored_text)  # noqa: DTZ001  UTC


def _edges(low: str, high: str) -> list[str]:
    """Return the edges without their midnight, which all have."""
    found = date_edges(low, high)
    assert all(edge.endswith("T00:00:00Z") for edge in found)
    return [edge[:10] for edge in found]


@pytest.mark.parametrize(
    ("low", "high", "edges"),
    [
        ("2026-11-03T08:00:00Z", "2026-11-05T23:59:59Z", ["03", "04", "05", "06"]),
        ("2026-11-04T08:00:00Z", "2026-11-18T00:00:00Z", ["02", "09", "16", "23"]),
    ],
    ids=["days", "weeks begin on Mondays"],
)
def test_short_spans_are_cut_into_days_and_weeks(low: str, high: str, edges: list[str]) -> None:
    assert _edges(low, high) == [f"2026-11-{day}" for day in edges]


def test_longer_spans_are_cut_into_months_quarters_and_years() -> None:
    months = _edges("2026-01-15T00:00:00Z", "2026-12-31T23:59:59Z")
    assert months == [*(f"2026-{month:02}-01" for month in range(1, 13)), "2027-01-01"]
    quarters = _edges("2025-02-15T00:00:00Z", "2026-12-31T00:00:00Z")
    assert quarters[:3] == ["2025-01-01", "2025-04-01", "2025-07-01"]
    years = _edges("2001-05-01T00:00:00Z", "2026-12-31T00:00:00Z")
    assert years == [f"{year}-01-01" for year in range(2000, 2031, 5)]


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("2026-11-03T00:00:00Z", "2026-11-03T23:59:59Z"),
        ("2026-11-03T00:00:00Z", "9999-12-31T00:00:00Z"),
        ("9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z"),
    ],
    ids=["one day", "no end", "the last days"],
)
def test_some_spans_have_no_bins(low: str, high: str) -> None:
    assert date_edges(low, high) == []


@given(MOMENTS, MOMENTS)
def test_every_date_is_in_exactly_one_bin(one: str, other: str) -> None:
    low, high = sorted([one, other])
    edges = date_edges(low, high)
    if low[:10] == high[:10]:
        assert edges == []
        return
    assert 2 <= len(edges) <= MAX_BINS + 1
    assert edges == sorted(set(edges))
    assert all(is_datetime(edge) for edge in edges)
    assert edges[0] <= low
    assert edges[-1] > high
