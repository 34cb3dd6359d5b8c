"""How a column of texts is read, from its first values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.values.casts import choose_column
from producer.values.doubts import Doubts


def read(cells: list[str], name: str = "x") -> tuple[list[object], list[str]]:
    """The values of a column, and what was doubtful about it."""
    doubts = Doubts()
    column = choose_column(name, cells, doubts)
    return [column.cast(cell) for cell in cells], list(doubts.notes(2000))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2.5", ""], [1.0, 2.5, None]),
        (["1", "M"], ["1", "M"]),
        (["1", "true"], ["1", "true"]),
        (["true", "false"], [True, False]),
        (["1", "2"], [1, 2]),
        (["", ""], [None, None]),
        (["[1, 2]", "[]"], [[1, 2], []]),
        (["[38, 40]", '["S"]'], [["38", "40"], ["S"]]),
        (["Tom &amp; Jerry", "Cafe\u0301", " x "], ["Tom & Jerry", "Caf\xe9", "x"]),
        # Decimal commas and thousands, if one value shows which is which
        (["19,90", "5,00"], [19.9, 5.0]),
        (["19,90", "1.299,00", "1.299", "5"], [19.9, 1299.0, 1299.0, 5.0]),
        (["1 299,00", "5,00", "-7,5"], [1299.0, 5.0, -7.5]),
        (["1\u202f299,00", "5,00"], [1299.0, 5.0]),
        (["1,299.00", "1,299", "5"], [1299.0, 1299.0, 5.0]),
        (["1'299.50", "20.-"], [1299.5, 20.0]),
        (["1,29,999.00", "500"], [129999.0, 500.0]),
        # Dates
        (["2026-11-30", ""], ["2026-11-30T00:00:00Z", None]),
        (["30.11.2026", "1.2.2026 14:30"], ["2026-11-30T00:00:00Z", "2026-02-01T14:30:00Z"]),
        (["01/02/2026", "30/11/2026"], ["2026-02-01T00:00:00Z", "2026-11-30T00:00:00Z"]),
        (["01/02/2026", "11/30/2026"], ["2026-01-02T00:00:00Z", "2026-11-30T00:00:00Z"]),
    ],
)  # fmt: skip
def test_a_column_is_of_one_kind(cells: list[str], values: list[object]) -> None:
    found, notes = read(cells)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]
    assert notes == []


@pytest.mark.parametrize(
    "cells",
    [
        ["007", "12"],
        ["4006381333931x", "12"],
        ["030 123 456", "030 123 457"],
        ["555 123 456", "555 123 457"],
        ["+49 30 1234", "1"],
        ["978-3-16-148410-0"],
        ["1.2.3", "1.2.4"],
        ["2 for 10 EUR", "5 EUR"],
        ["1.299.000", "5.000.000"],
        ["2026-02-30", "2026-03-01"],
        ["30/11/2026", "11/30/2026"],
        ["2026-11-30", "soon"],
        ["38", "38 2/3"],
        ["1,2,3", "4,5"],
        ["12 cm", "13 cm"],
        ["10-20 EUR"],
        ["50%", "20%"],
    ],
)
def test_what_could_be_a_code_stays_text(cells: list[str]) -> None:
    assert read(cells) == (cells, [])


@pytest.mark.parametrize("name", ["size", "Größe", "shoe_size_eu", "category_ids", "Phone", "GTIN"])
def test_names_of_sizes_and_codes_keep_their_texts(name: str) -> None:
    assert read(["38,5", "39,5"], name) == (["38,5", "39,5"], [])
    assert read(["EUR 38", "EUR 39"], name) == (["EUR 38", "EUR 39"], [])


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (["1,299", "2,500"], "'x' stays text: the sign in '1,299' can separate decimals or thousands"),
        (["19,90", "5.00"], "'x' stays text: some of its numbers have a decimal comma, others a decimal point"),
        (["€1,50", "$2.50", "€1,299"], "'x' stays text: the sign in '€1,299' can separate"),
        (["1.250 KWD"], "'x' stays text: the sign in '1.250 KWD' can separate decimals or thousands"),
        (["01/02/2026", "03/04/2026"], "'x' stays text: '01/02/2026' can start with the day or the month"),
    ],
)  # fmt: skip
def test_an_ambiguous_column_stays_text_and_is_reported(cells: list[str], note: str) -> None:
    values, notes = read(cells)
    assert values == cells
    assert len(notes) == 1
    assert notes[0].startswith(note)


@pytest.mark.parametrize(
    ("first", "late", "expected"),
    [
        ("1.50", "on request", "1 value of 'x' is not a number"),
        ("1", "1,299.00", "1 value of 'x' is not a number"),
        ("true", "maybe", "1 value of 'x' is not true or false"),
        ("[1]", "none", "1 value of 'x' is not a list"),
        ("2026-11-30", "soon", "1 value of 'x' is not a date"),
        ("5 EUR", "on request", "1 value of 'x' is not an amount of money"),
    ],
)
def test_a_late_value_of_another_kind_stays_text_and_is_counted(
    first: str, late: str, expected: str
) -> None:
    doubts = Doubts()
    cast = choose_column("x", [first], doubts).cast
    doubts.line = 1006
    assert cast(late) == late
    assert cast(" ") is None
    (note,) = doubts.notes(2000)
    assert note.startswith(expected)
    assert note.endswith("row 1006")


def test_a_few_texts_among_many_numbers_are_reported() -> None:
    prices = [f"{number}.50" for number in range(58)]
    values, notes = read([*prices, "N/A", "call"], "price")
    assert values == [*prices, "N/A", "call"]
    assert notes == [
        "'price' stays text: 2 of its first 60 values are not numbers (the first: 'N/A')"
    ]
    days = [f"2026-11-{day:02d}" for day in range(1, 31)]
    assert read([*days, "soon"])[1] == [
        "'x' stays text: 1 of its first 31 values is not a date (the first: 'soon')"
    ]
    assert read([*prices, "N/A"], "model_number")[1] == []
    assert read([*prices, *["N/A"] * 20])[1] == []


def test_money_has_its_currency() -> None:
    cells = ["19.99 EUR", "5", "$1,299.00", "", "3.50 XYZ"]
    column = choose_column("price", cells[:4], Doubts())
    assert column.currency is not None
    assert [column.cast(cell) for cell in cells] == [19.99, 5.0, 1299.0, None, "3.50 XYZ"]
    assert [column.currency(cell) for cell in cells] == ["EUR", None, "$", None, None]


def test_an_assumed_thousand_is_reported() -> None:
    values, notes = read(["1,299 EUR", "2,500 EUR"])
    assert values == [1299.0, 2500.0]
    assert notes == ["'x' is read with thousands: '1,299 EUR' is 1299"]


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=12))
def test_no_column_raises(cells: list[str], late: str) -> None:
    column = choose_column("x", cells, Doubts())
    for cell in (*cells, late):
        column.cast(cell)
        if column.currency is not None:
            column.currency(cell)
