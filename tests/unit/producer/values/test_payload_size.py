"""Payloads that are too large."""

from __future__ import annotations

import pytest

from producer.limits import MAX_TEXT_CHARS
from producer.row_errors import RowError
from producer.values.payload_size import fit_payload
from vitrine.core.types import PayloadValue

LONG = "word " * 4000


def test_a_long_text_is_cut_and_the_rest_kept() -> None:
    payload: dict[str, PayloadValue] = {"title": "Coat", "text": LONG, "notes": [LONG, "b"], "n": 5}
    assert fit_payload(payload) == ["text", "notes"]
    text, notes = payload["text"], payload["notes"]
    assert isinstance(text, str)
    assert text.endswith("word…")
    assert MAX_TEXT_CHARS - 10 < len(text) <= MAX_TEXT_CHARS
    assert isinstance(notes, list)
    assert notes == [text, "b"]
    assert (payload["title"], payload["n"]) == ("Coat", 5)


def test_a_text_that_fits_is_left_whole() -> None:
    payload: dict[str, PayloadValue] = {"text": "word " * 1000}
    assert fit_payload(payload) == []
    assert payload == {"text": "word " * 1000}


def test_what_is_still_too_large_names_its_field() -> None:
    payload: dict[str, PayloadValue] = {"a": 1, "tags": [str(number) for number in range(5000)]}
    with pytest.raises(RowError, match="choose fewer payload columns") as caught:
        fit_payload(payload)
    assert (caught.value.field, caught.value.code) == ("tags", "payload_too_large")
