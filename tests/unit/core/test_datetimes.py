"""Stored datetimes, and the ISO 8601 texts that filters accept."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrine.core.datetimes import FIRST, LAST, is_datetime, read_period, stored_text

MOMENTS = st.datetimes(
    dt.datetime(1, 1, 3),  # noqa: DTZ001  hypothesis adds the zone
    dt.datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.integers(-1439, 1439).map(
        lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))
    ),
)


@pytest.mark.parametrize("text", [FIRST, LAST, "2026-11-03T00:00:00Z", "2024-02-29T23:59:59Z"])
def test_the_stored_form_is_a_datetime(text: str) -> None:
    assert is_datetime(text)
    assert read_period(text) == (text, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-03",
        "2026-11-03T00:00:00",
        "2026-11-03 00:00:00Z",
        "2026-11-03T00:00:00z",
        "2026-11-03T00:00:00.0Z",
        "2026-11-03T02:00:00+02:00",
        "2026-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-03T24:00:00Z",
        "2026-11-03T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-11-03T00:00:00Z",
        "2026-11-03T00:00:00Z\n",
        "20261103T000000.000Z",
    ],
)
def test_any_other_text_is_not(text: str) -> None:
    assert not is_datetime(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11-03", "2026-11-03T00:00:00Z", "2026-11-03T23:59:59Z"),
        ("9999-12-31", "9999-12-31T00:00:00Z", LAST),
        ("2026-11-03T09:30", "2026-11-03T09:30:00Z", "2026-11-03T09:30:00Z"),
        ("2026-11-03 09:30:15", "2026-11-03T09:30:15Z", "2026-11-03T09:30:15Z"),
        ("2026-11-03t09:30z", "2026-11-03T09:30:00Z", "2026-11-03T09:30:00Z"),
        ("2026-11-03T00:30:00+02:00", "2026-11-02T22:30:00Z", "2026-11-02T22:30:00Z"),
        ("2026-11-03T22:30:00-0230", "2026-11-04T01:00:00Z", "2026-11-04T01:00:00Z"),
        ("2026-11-03T22:30:00+02", "2026-11-03T20:30:00Z", "2026-11-03T20:30:00Z"),
        ("2026-11-03 22:30:00 +0200", "2026-11-03T20:30:00Z", "2026-11-03T20:30:00Z"),
        ("2026-11-03T09:30:15.000Z", "2026-11-03T09:30:15Z", "2026-11-03T09:30:15Z"),
        ("2026-12-31T23:59:59.25Z", "2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z"),
        ("2026-11-03T09:30:15,000000001", "2026-11-03T09:30:16Z", "2026-11-03T09:30:15Z"),
    ],
)
def test_a_text_stands_for_a_day_or_a_second(text: str, first: str, last: str) -> None:
    assert read_period(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026",
        "2026-11",
        "2026-02-30",
        "20261103",
        "2026-W45-1",
        "03.11.2026",
        "2026-11-03T25:00",
        "2026-11-03T09:60",
        "2026-11-03T09:30:61",
        "2026-11-03T09:30+24:00",
        "2026-11-03T09:30+01:75",
        "2026-11-03T09:30 02:00",
        "2026-11-03Z",
        "2026-11-03T09:30 ",
        " 2026-11-03",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59.5Z",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_other_texts_stand_for_none(text: str) -> None:
    assert read_period(text) is None


@given(MOMENTS)
def test_a_moment_is_read_back_from_its_iso_form(moment: dt.datetime) -> None:
    text = stored_text(moment)
    assert is_datetime(text)
    period = read_period(moment.isoformat())
    assert period is not None
    assert period.last == text


@given(MOMENTS, MOMENTS)
def test_the_order_of_the_texts_is_the_order_in_time(one: dt.datetime, other: dt.datetime) -> None:
    if one < other:
        assert stored_text(one) <= stored_text(other)


@given(st.text(max_size=30))
def test_any_text_has_an_answer(text: str) -> None:
    assert not is_datetime(text) or read_period(text) is not None
