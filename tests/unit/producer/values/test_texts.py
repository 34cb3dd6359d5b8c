"""Texts as they are stored."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.values.texts import clean_text, cut_text, decode_entities


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("&#38;&#x26;&lt;b&gt;", "&&<b>"),
        ("?a=1&copy=2&reg=3", "?a=1&copy=2&reg=3"),
        ("&nosuch; &;", "&nosuch; &;"),
        ("&amp;lt;", "&lt;"),
        ("A & B; C", "A & B; C"),
    ],
)
def test_entities_with_a_semicolon_are_decoded_once(text: str, decoded: str) -> None:
    assert decode_entities(text) == decoded


@given(st.text())
def test_a_clean_text_is_composed(text: str) -> None:
    assert unicodedata.is_normalized("NFC", clean_text(text))


def test_a_cut_ends_after_a_word() -> None:
    assert cut_text("one two three", 9) == "one two…"
    assert cut_text("one two", 7) == "one two"
    assert cut_text("x" * 10, 5) == "xxxx…"
    assert cut_text("one two, three", 9) == "one two,…"


@given(st.text(max_size=300), st.integers(2, 200))
def test_a_cut_text_is_short_and_its_beginning(text: str, most: int) -> None:
    cut = cut_text(text, most)
    assert len(cut) <= most
    assert text.startswith(cut.removesuffix("…"))
