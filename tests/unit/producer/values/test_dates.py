"""Dates and times in their stored form."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.values.dates import date_form, normal_datetime
from vitrine.core.datetimes import is_datetime


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("2026-11-30", "2026-11-30T00:00:00Z"),
        ("2026-11-30T10:00", "2026-11-30T10:00:00Z"),
        ("2026-11-30 10:00:05.123+02:00", "2026-11-30T08:00:05Z"),
        ("2026-11-30T10:00:00Z", "2026-11-30T10:00:00Z"),
        ("2026-11-30T10:00-0800", "2026-11-30T18:00:00Z"),
        ("2026-11-30T10:00+02", "2026-11-30T08:00:00Z"),
        ("Mon, 30 Nov 2026 10:00:00 +0100", "2026-11-30T09:00:00Z"),
        ("30 Nov 2026 10:00 GMT", "2026-11-30T10:00:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        (dt.date(2026, 1, 2), "2026-01-02T00:00:00Z"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05Z"),  # noqa: DTZ001
        (dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1))), "2026-01-01T23:00:00Z"),
    ],
)  # fmt: skip
def test_a_date_is_stored_in_utc(value: str | dt.date, normal: str) -> None:
    assert normal_datetime(value) == normal
    assert is_datetime(normal)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-11", "20261130", "2026-02-30", "2026-11-30T25:00", "0000-01-01", "2026-11-30/2026-12-01", "30.11.2026",
     "0001-01-01T00:00+02:00", "9999-12-31T23:00-02:00", "Mon, 31 Nov 2026 10:00:00 GMT", "1 Jan 2026 10:00 XYZ", "2026-11-30" * 9],
)  # fmt: skip
def test_everything_else_is_not_a_date(text: str) -> None:
    assert normal_datetime(text) is None


def test_days_and_months_are_told_apart_by_the_column() -> None:
    for texts, read in (
        (["01/02/2026", "13/02/2026"], "2026-02-01T00:00:00Z"),
        (["01/02/2026", "02/13/2026"], "2026-01-02T00:00:00Z"),
        (["1-2-2026", "13-2-2026"], "2026-02-01T00:00:00Z"),
        (["2026/2/1", "2026/02/13"], "2026-02-01T00:00:00Z"),
    ):
        form, either = date_form(texts)
        assert form is not None
        assert (form(texts[0]), either) == (read, False)
    assert date_form(["01/02/2026", "03/04/2026"]) == (None, True)
    assert date_form(["13/02/2026", "02/13/2026"]) == (None, False)
    assert date_form([]) == (None, False)


@given(
    st.datetimes(min_value=dt.datetime(1000, 1, 1)),  # noqa: DTZ001  a text without a zone
    st.sampled_from(["%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S"]),
)
def test_every_second_of_ten_thousand_years_is_read(moment: dt.datetime, pattern: str) -> None:
    moment = moment.replace(microsecond=0)
    form, _ = date_form([moment.strftime(pattern)])
    assert form is not None
    assert form(moment.strftime(pattern)) == f"{moment.isoformat()}Z"


@given(st.text(max_size=45))
def test_no_text_raises(text: str) -> None:
    normal = normal_datetime(text)
    assert normal is None or is_datetime(normal)
    date_form([text])
