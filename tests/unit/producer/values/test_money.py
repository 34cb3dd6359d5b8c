"""Amounts of money in one cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.values.money import CODES, currency_named, money


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("19.99 EUR", 19.99, "EUR"),
        ("€19,99", 19.99, "EUR"),
        ("19,99\xa0€", 19.99, "EUR"),
        ("$1,299.00", 1299.0, "$"),
        ("US$ 1,299.00", 1299.0, "USD"),
        ("$5.00 USD", 5.0, "USD"),
        ("1.299,00 €", 1299.0, "EUR"),
        ("1\u202f299,00 €", 1299.0, "EUR"),
        ("1’299.00 CHF", 1299.0, "CHF"),  # noqa: RUF001
        ("CHF 20.–", 20.0, "CHF"),  # noqa: RUF001
        ("20,- €", 20.0, "EUR"),
        ("USD 5", 5.0, "USD"),
        ("₹1,29,999.00", 129999.0, "INR"),
        ("-5,00 €", -5.0, "EUR"),
        ("€ -5", -5.0, "EUR"),
        ("−5 EUR", -5.0, "EUR"),  # noqa: RUF001
        ("0.5 eur", 0.5, "EUR"),
        ("12,5 Kč", 12.5, "CZK"),
        ("49 kr.", 49.0, "kr"),
        ("1,299 EUR", 1299.0, "EUR"),
        ("1.299.000 €", 1299000.0, "EUR"),
        ("12.5", 12.5, ""),
    ],
)
def test_a_cell_that_is_money(text: str, amount: float, currency: str) -> None:
    found = money(text)
    assert found is not None
    assert (found.amount(), found.currency) == (amount, currency)


@pytest.mark.parametrize(
    "text",
    ["", "EUR", "2 for 10 EUR", "10-20 EUR", "from 5 EUR", "5 EUR/m", "5 EUR 50", "€5 USD", "kr 5 kr", "007 EUR", "5 kg", "5 XYZ",
     "1 2 EUR", "1.2.3 EUR", "5..00 EUR", "EUR 5,", "12345678901234567 EUR", "5 EUR" * 20, "\u0665 EUR"],
)  # fmt: skip
def test_everything_else_is_not(text: str) -> None:
    assert money(text) is None


@given(
    st.integers(0, 10**9),
    st.integers(0, 99),
    st.sampled_from([("", "."), (",", "."), (".", ","), (" ", ","), ("'", "."), ("\u202f", ",")]),
    st.sampled_from(sorted(CODES)),
    st.booleans(),
)
def test_an_amount_is_what_was_written(
    whole: int, cents: int, signs: tuple[str, str], code: str, first: bool
) -> None:
    thousands, point = signs
    number = f"{whole:,}".replace(",", thousands) + f"{point}{cents:02d}"
    found = money(f"{code} {number}" if first else f"{number} {code}")
    assert found is not None
    assert found.amount() == float(f"{whole}.{cents:02d}")
    assert (found.currency, found.number.ambiguous) == (code, False)


@given(st.text(max_size=50))
def test_no_text_raises(text: str) -> None:
    found = money(text)
    if found is not None:
        assert any(letter.isdigit() for letter in text)
        found.amount()


def test_a_shared_sign_stays_a_sign() -> None:
    assert [currency_named(text) for text in ("$", "Kr", "¥", "€", "x")] == [
        "$", "kr", "¥", "EUR", None,
    ]  # fmt: skip
