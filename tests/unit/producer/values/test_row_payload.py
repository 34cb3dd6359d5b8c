"""Payloads of rows: texts and typed values, their prices, dates and late kinds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer import catalog_of
from producer.catalog import CatalogOptions
from producer.columns import Columns
from producer.row import Row
from producer.values.doubts import Doubts
from producer.values.payload import payload_value
from producer.values.row_payload import RowPayload, cell_payload, typed_payload
from vitrine.core.types import CatalogItem, RejectedRow


def rows_of(*values: dict[str, Any]) -> list[Row]:
    return [Row(line, row, 0) for line, row in enumerate(values, start=2)]


def typed(
    *values: dict[str, Any], payload: tuple[str, ...] | None = None
) -> tuple[RowPayload, Doubts]:
    names = tuple(dict.fromkeys(name for row in values for name in row))
    doubts = Doubts()
    columns = Columns("id", ("image",), payload)
    return typed_payload(columns, names, rows_of(*values), doubts), doubts


def cells(*values: dict[str, Any]) -> RowPayload:
    names = tuple(dict.fromkeys(name for row in values for name in row))
    return cell_payload(Columns("id", ("image",)), names, rows_of(*values), Doubts())


def test_cells_can_be_missing_or_lists() -> None:
    rows: list[dict[str, Any]] = [
        {"id": "1", "tags": ["a", "b &amp; c"], "sizes": ["38", "40"], "price": ["5 EUR", "6 EUR"]},
        {"id": "2", "tags": "c", "sizes": "38", "price": "7.50 EUR"},
        {"id": "3", "tags": ["", " "], "sizes": [], "price": ["1 EUR", "2 USD"]},
        {"id": "4"},
    ]
    payload = cells(*rows)
    assert [payload.of(row) for row in rows] == [
        {"tags": ["a", "b & c"], "sizes": [38, 40], "price": [5.0, 6.0], "price_currency": "EUR"},
        {"tags": "c", "sizes": 38, "price": 7.5, "price_currency": "EUR"},
        {"price": [1.0, 2.0], "price_currency": ["EUR", "USD"]},
        {},
    ]
    assert payload.names == ("tags", "sizes", "price", "price_currency")


def test_a_currency_column_of_the_file_comes_first() -> None:
    rows = [{"price": "5 EUR", "price_currency": "CHF"}, {"price": "6 EUR", "price_currency": ""}]
    payload = cells(*rows)
    assert [payload.of(row)["price_currency"] for row in rows] == ["CHF", "EUR"]
    assert payload.names == ("price", "price_currency")


def test_texts_of_typed_rows_are_money_and_dates_by_column() -> None:
    rows: list[dict[str, Any]] = [
        {"title": "5 EUR", "price": "19.99 EUR", "day": "2026-11-30", "sku": "12", "old_price": "19.99", "n": "19,90"},
        {"title": "Coat", "price": 5, "day": "2026-11-30T10:00+01:00", "sku": "13", "old_price": "5", "n": "5,00"},
    ]  # fmt: skip
    payload, doubts = typed(*rows)
    assert [payload.of(row) for row in rows] == [
        {"title": "5 EUR", "price": 19.99, "price_currency": "EUR", "day": "2026-11-30T00:00:00Z", "sku": "12",
         "old_price": 19.99, "n": "19,90"},
        {"title": "Coat", "price": 5, "day": "2026-11-30T09:00:00Z", "sku": "13", "old_price": 5.0, "n": "5,00"},
    ]  # fmt: skip
    assert list(doubts.notes(2000)) == []


@pytest.mark.parametrize(
    ("objects", "names"),
    [
        ([{"price.amount": 19.99, "price.currency": "EUR"}], {"price": 19.99, "price_currency": "EUR"}),
        ([{"price.amount": "19.99", "price.currencyCode": "EUR"}], {"price": 19.99, "price_currency": "EUR"}),
        ([{"price.value": 5, "price.currency": "EUR", "price_currency": "x"}],
         {"price.value": 5, "price.currency": "EUR", "price_currency": "x"}),
        ([{"price.amount": 5, "price.currency": "EUR"}, {"price": 5}], {"price.amount": 5, "price.currency": "EUR"}),
        ([{"size.value": 5}], {"size.value": 5}),
    ],
)  # fmt: skip
def test_an_object_of_amount_and_currency_is_a_price(
    objects: list[dict[str, Any]], names: dict[str, Any]
) -> None:
    payload, _ = typed(*objects)
    assert payload.of(objects[0]) == names


def test_chosen_fields_keep_their_names() -> None:
    row = {"id": 1, "price.amount": 5, "price.currency": "EUR", "other": 1}
    payload, _ = typed(row, payload=("price.amount", "absent"))
    assert payload.of(row) == {"price.amount": 5}
    assert payload.names == ("price.amount", "absent")


def test_late_kinds_of_typed_rows_are_counted() -> None:
    first = {"n": 1, "title": "a", "on": True, "price": "5 EUR", "day": "2026-11-30"}
    payload, doubts = typed(first)
    doubts.line = 9
    late = {"n": "x", "title": 5, "on": "yes", "price": "call", "day": 7, "new": "y"}
    assert payload.of(late) == late
    assert [note.partition(",")[0] for note in doubts.notes(2000)] == [
        "1 value of 'n' is not a number",
        "1 value of 'title' is not a text",
        "1 value of 'on' is not true or false",
        "1 value of 'price' is not an amount of money",
        "1 value of 'day' is not a date",
    ]


def test_lists_of_numbers_stay_numbers() -> None:
    assert payload_value("x", [1, 2.5, None, Decimal("0.5"), float("nan")]) == [1, 2.5, 0.5]
    assert payload_value("x", ["Tom &amp; Jerry", 2]) == ["Tom & Jerry", "2"]
    assert payload_value("x", ["a", "Cafe\u0301"]) == ["a", "Caf\xe9"]
    assert payload_value("x", [1, True]) == ["1", "true"]


@pytest.mark.parametrize(
    ("given", "found"),
    [(101.0, "101"), (3034453019914.0, "3034453019914"), (Decimal("101.00"), "101"), (-5.0, "-5"), (7, "7")],
)  # fmt: skip
def test_a_whole_number_is_an_id(given: object, found: str) -> None:
    (item,) = catalog_of([{"id": given, "image": "http://h/a"}])
    assert isinstance(item, CatalogItem)
    assert item.id == found


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (float("nan"), "empty_id"), (Decimal("NaN"), "empty_id"), (None, "empty_id"), (1.5, "bad_id"), (True, "bad_id"),
        (float("inf"), "bad_id"), (2.0**60, "bad_id"), (Decimal("1E+999999"), "bad_id"), ([1], "bad_id"),
    ],
)  # fmt: skip
def test_other_numbers_are_no_ids(given: object, code: str) -> None:
    (problem,) = catalog_of([{"id": given, "image": "http://h/a"}])
    assert isinstance(problem, RejectedRow)
    assert (problem.field, problem.code) == ("id", code)


def test_a_long_text_is_cut_and_reported() -> None:
    rows = [
        {"id": str(n), "image": "http://h/a", "text": "word " * (n * 2000)} for n in range(1, 4)
    ]
    with catalog_of(rows) as catalog:
        items = list(catalog)
        notes = catalog.notes()
    assert all(isinstance(item, CatalogItem) for item in items)
    assert notes == [
        "'text' was cut to 2,000 characters in 2 rows with too large a payload: row 2, row 3"
    ]


def test_long_texts_of_merged_rows_are_cut_too() -> None:
    rows = [{"id": "1", "image": "http://h/a", "text": f"{n} " + "word " * 2000} for n in range(3)]
    with catalog_of(rows, CatalogOptions(group_by="id")) as catalog:
        (item,) = catalog
        notes = catalog.notes()
    assert isinstance(item, CatalogItem)
    assert notes == ["'text' was cut to 2,000 characters in 1 row with too large a payload: line 1"]


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.datetimes()
    | st.decimals(allow_nan=False)
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b.amount", "b.currency", "c"]), SCALARS | st.lists(SCALARS, max_size=3)
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_typed_rows_of_anything_are_items_or_rejected(rows: list[dict[str, Any]]) -> None:
    named = [{"id": str(number), "image": "http://h/a", **row} for number, row in enumerate(rows)]
    with catalog_of(named) as catalog:
        outcomes = list(catalog)
        catalog.notes()
    assert len(outcomes) == len(rows)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from("abc"), st.text(max_size=9) | st.lists(st.text(max_size=9) | st.none())
        ),
        max_size=5,
    )
)
def test_rows_of_any_texts_have_a_payload(rows: list[dict[str, Any]]) -> None:
    payload = cells(*rows)
    for row in rows:
        for value in payload.of(row).values():
            assert isinstance(value, str | int | float | list)
