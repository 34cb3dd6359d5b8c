from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch.response_head import ResponseHead

NOW = 1_795_262_400.0  # 21 November 2026, 12:00:00 UTC


def read(*lines: str) -> ResponseHead:
    answer = ResponseHead(unix_time=lambda: NOW)
    for line in [*lines, ""]:
        answer.feed(f"{line}\r\n".encode("latin-1"))
    return answer


def refusal(*lines: str) -> ItemFailure:
    failure = read(*lines).failure(max_bytes=100)
    assert failure is not None
    return failure


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, FailureReason.NOT_FOUND), (410, FailureReason.NOT_FOUND),
        (429, FailureReason.RATE_LIMITED),
        (500, FailureReason.SERVER_ERROR), (502, FailureReason.SERVER_ERROR), (503, FailureReason.SERVER_ERROR),
        (599, FailureReason.SERVER_ERROR), (408, FailureReason.SERVER_ERROR), (425, FailureReason.SERVER_ERROR),
        (400, FailureReason.HTTP_ERROR), (401, FailureReason.HTTP_ERROR), (403, FailureReason.HTTP_ERROR),
        (451, FailureReason.HTTP_ERROR), (206, FailureReason.HTTP_ERROR), (304, FailureReason.HTTP_ERROR),
        (300, FailureReason.HTTP_ERROR), (302, FailureReason.HTTP_ERROR),
        (204, FailureReason.NOT_AN_IMAGE), (205, FailureReason.NOT_AN_IMAGE),
    ],
)  # fmt: skip
def test_each_status_has_its_reason(status: int, reason: FailureReason) -> None:
    failure = refusal(f"HTTP/1.1 {status} Whatever")
    assert failure.reason is reason
    assert str(status) in failure.detail


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), (" 120 ", 120.0), ("0", 0.0), ("999999", 3600.0), ("9" * 5000, None),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0), ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 21 Nov 2044 12:00:00 GMT", 3600.0), ("soon", None), ("-3", None), ("1.5", None), ("", None),
        ("Sat, 99 Nov 2026 12:00:30 GMT", None), ("\xb2", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(
    value: str, seconds: float | None
) -> None:
    for status in (429, 503):
        assert refusal(f"HTTP/1.1 {status} X", f"Retry-After: {value}").retry_after == seconds


def test_retry_after_means_nothing_elsewhere() -> None:
    assert refusal("HTTP/1.1 404 X", "Retry-After: 7").retry_after is None


def test_a_length_over_the_limit_is_refused_before_the_body() -> None:
    assert refusal("HTTP/1.1 200 OK", "Content-Length: 101").reason is FailureReason.TOO_LARGE
    assert read("HTTP/1.1 200 OK", "Content-Length: 100").failure(100) is None
    assert read("HTTP/1.1 200 OK", "Content-Length: lots").failure(100) is None


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate, gzip", "x"])
def test_an_encoding_that_nobody_asked_for_is_refused(encoding: str) -> None:
    failure = refusal("HTTP/1.1 200 OK", f"Content-Encoding: {encoding}")
    assert failure.reason is FailureReason.HTTP_ERROR
    assert read("HTTP/1.1 200 OK", "Content-Encoding: identity").failure(100) is None


def test_an_early_hint_is_not_the_answer() -> None:
    answer = read("HTTP/1.1 103 Early Hints", "ETag: early")
    early = answer.complete
    for line in (b"HTTP/1.1 200 OK\r\n", b"ETag: late\r\n", b"\r\n"):
        answer.feed(line)
    assert (early, answer.complete) == (False, True)
    assert (answer.status, answer.etag) == (200, "late")


def test_trailers_change_nothing() -> None:
    answer = read("HTTP/1.1 200 OK", "ETag: head")
    answer.feed(b"ETag: tail\r\n")
    answer.feed(b"HTTP/1.1 500 X\r\n")
    assert (answer.status, answer.etag) == (200, "head")


def test_a_location_counts_for_a_redirect_alone() -> None:
    assert read("HTTP/1.1 302 X", "Location: /ä").location == "/ä"
    assert read("HTTP/1.1 302 X", "Location: /\xc3\xa4").location == "/ä"
    assert read("HTTP/1.1 200 OK", "Location: /a").location is None


def test_an_etag_too_long_to_keep_is_dropped() -> None:
    assert read("HTTP/1.1 200 OK", 'ETag: W/"x"').etag == 'W/"x"'
    assert read("HTTP/1.1 200 OK", f"ETag: {'x' * 257}").etag is None


@given(st.lists(st.binary(max_size=40)))
def test_any_lines_make_an_answer_that_can_be_judged(lines: list[bytes]) -> None:
    answer = ResponseHead()
    for line in [*lines, b"HTTP/1.1 503 X", *lines]:
        answer.feed(line)
    failure = answer.failure(10)
    assert failure is None or failure.retry_after is None or 0 <= failure.retry_after <= 3600
