"""Types of single cells."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.values.cells import cell_value, scalar_list
from producer.values.texts import clean_text


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("42", 42), ("-7", -7), ("0", 0), ("3.50", 3.5), ("-0.5", -0.5), (" 12 ", 12),
        ("true", True), ("FALSE", False),
        ('["red", 4, true]', ["red", "4", "true"]), ("[]", []), ("[1, 2.5]", [1, 2.5]),
        ("007", "007"), ("+1", "+1"), ("1e5", "1e5"), ("nan", "nan"), ("inf", "inf"), ("-", "-"),
        ("-0", "-0"), ("1,5", "1,5"), (".5", ".5"), ("5.", "5."), ("00.5", "00.5"), ("yes", "yes"),
        ("1234567890123456", "1234567890123456"), ("0.1234567890123456", "0.1234567890123456"),
        ("١٢", "١٢"), ("[red]", "[red]"), ('[{"a": 1}]', '[{"a": 1}]'), ("1_000", "1_000"),
        ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_a_cell_is_typed_conservatively(cell: str, value: object) -> None:
    found = cell_value(cell)
    assert found == value
    assert type(found) is type(value)


@given(st.text())
def test_no_cell_raises_and_texts_are_only_cleaned(cell: str) -> None:
    value = cell_value(cell)
    if isinstance(value, str):
        assert value == clean_text(cell.strip())
    elif value is None:
        assert not cell.strip()


@given(st.from_regex(r"[-+]?[0-9]{1,25}(\.[0-9]{1,20})?([eE][0-9]{1,3})?", fullmatch=True))
def test_a_number_is_only_taken_where_nothing_of_it_changes(cell: str) -> None:
    value = cell_value(cell)
    if isinstance(value, int):
        assert str(value) == cell
    elif isinstance(value, float):
        assert math.isfinite(value)
        digits = cell.rpartition(".")[2]
        assert f"{value:.{len(digits)}f}" == cell or value == 0
    else:
        assert value == cell


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_integer_of_fifteen_digits_is_an_integer(number: int) -> None:
    assert cell_value(str(number)) == number


def test_a_list_of_numbers_stays_one() -> None:
    assert scalar_list([1, 2.5]) == [1, 2.5]
    assert scalar_list([1, "a", True]) == ["1", "a", "true"]
    assert scalar_list([2**64]) == [str(2**64)]
    assert scalar_list([]) == []
