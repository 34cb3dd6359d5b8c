"""How a client of the store process handles responses that do not come from the store."""

from __future__ import annotations

import pytest

from vitrine.core.errors import NotFound, StoreUnavailable
from vitrine.store.remote.protocol import read_error


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-3", None),
        ("9" * 40, None),
    ],
)
def test_who_answers_in_the_stores_place_may_say_when_to_come_back(
    header: str | None, seconds: float | None
) -> None:
    error = read_error(429, b"", header)
    assert isinstance(error, StoreUnavailable)
    assert "429" in error.message
    assert error.retry_after == seconds


def test_the_stores_own_answer_goes_before_the_header() -> None:
    body = b'{"code": "not_found", "message": "There is no such collection.", "hint": null}'
    assert isinstance(read_error(404, body, "2"), NotFound)
