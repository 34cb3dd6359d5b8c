"""Numbers as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.values.numbers import decimal_sign, written


@pytest.mark.parametrize(
    ("text", "point", "fraction", "ambiguous"),
    [
        ("5", None, False, False),
        ("19,90", ",", True, False),
        ("19.9", ".", True, False),
        ("0,125", ",", True, False),
        ("1234,567", ",", True, False),
        ("1,299", None, False, True),
        ("1.299.000", ",", False, False),
        ("1,29,999", ".", False, False),
        ("1.299,00", ",", True, False),
        ("1 299", None, False, False),
        ("1,299.–", ".", False, False),  # noqa: RUF001
    ],
)
def test_a_number_shows_its_decimal_sign(
    text: str, point: str | None, fraction: bool, ambiguous: bool
) -> None:
    found = written(text)
    assert found is not None
    assert (found.point, found.fraction, found.ambiguous) == (point, fraction, ambiguous)


def test_the_column_decides_what_is_ambiguous() -> None:
    found = written("1,299")
    assert found is not None
    assert (found.value(), found.value("."), found.value(",")) == (1299.0, 1299.0, 1.299)


def test_numbers_can_contradict_each_other() -> None:
    def sign(*texts: str) -> tuple[str | None, bool]:
        return decimal_sign(number for text in texts if (number := written(text)) is not None)

    assert sign("5", "1,299") == (None, False)
    assert sign("5,0", "1,299") == (",", False)
    assert sign("5,0", "5.0") == (None, True)


@pytest.mark.parametrize(
    "text",
    ["", "007", "0 123", "1.2.3", "1,2.3,4", "1  299", "12 34", "1 299 00", "20,5.-", "-5", "1e5", "5.", ".5", "1" * 16],
)  # fmt: skip
def test_everything_else_is_not_a_number(text: str) -> None:
    assert written(text) is None


@given(st.text(alphabet="0123456789.,' -", max_size=45))
def test_a_number_keeps_its_digits(text: str) -> None:
    found = written(text)
    if found is not None:
        digits = [letter for letter in text if letter.isdigit()]
        assert [letter for letter in found.text if letter.isdigit()] == digits
        assert found.value() >= 0
