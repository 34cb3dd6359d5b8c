"""The head of an HTTP answer: what it says about the picture before any of its bytes are read.

A status, and the five fields that matter, go in line by line; out comes whether a body is worth
reading, where a redirect points, or the failure that the answer means. Content-Type is not looked at: shops
label pictures as anything, and the bytes say what they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch.retry_after import MAX_PAUSE

_WANTED = frozenset({b"content-length", b"content-encoding", b"location", b"etag", b"retry-after"})
_GOOD = frozenset({200, 203})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EMPTY = frozenset({204, 205})
_GONE = frozenset({404, 410})
_ASK_AGAIN = frozenset({408, 425})
"""Request Timeout and Too Early: the host's own trouble, like the 5xx, and over by the next try."""

MAX_ETAG = 256


class ResponseHead:
    """One answer's head, filled by `feed` until `complete`."""

    def __init__(self, unix_time: Callable[[], float] = time.time) -> None:
        self._unix_time = unix_time
        self._fields: dict[bytes, bytes] = {}
        self.status = 0
        self.complete = False

    def feed(self, line: bytes) -> None:
        """Take one line as it came, its end included; lines after the head (trailers) change nothing."""
        if self.complete:
            return
        if line.startswith(b"HTTP/"):
            self._begin(line)
            return
        name, colon, value = line.partition(b":")
        if colon:
            key = name.lower()
            if key in _WANTED:
                self._fields.setdefault(key, value.strip())
        elif not line.strip():
            # A 1xx answer announces the real one.
            self.complete = self.status >= 200

    @property
    def good(self) -> bool:
        """Whether the body is the picture that was asked for."""
        return self.status in _GOOD

    @property
    def etag(self) -> str | None:
        """The ETag as sent; None where there is none, or one too long to be kept."""
        value = self._fields.get(b"etag")
        return value.decode("latin-1") if value and len(value) <= MAX_ETAG else None

    @property
    def location(self) -> str | None:
        """Where a redirect points, as sent: UTF-8 where it is that, else Latin-1."""
        value = self._fields.get(b"location")
        if value is None or self.status not in _REDIRECTS:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")

    @property
    def length(self) -> int | None:
        """The Content-Length, where it is a number at all."""
        value = self._fields.get(b"content-length", b"")
        return int(value) if value.isdigit() and len(value) < 20 else None

    def failure(self, max_bytes: int) -> ItemFailure | None:
        """What the head alone rules out; None for a good answer and for a redirect."""
        if self.good:
            return self._refused_body(max_bytes)
        if self.location is not None:
            return None
        if self.status in _EMPTY:
            return ItemFailure(FailureReason.NOT_AN_IMAGE, f"empty (status {self.status})")
        reason = _reason(self.status)
        asked = self.retry_after if self.status in (429, 503) else None
        return ItemFailure(reason, f"the host answered {self.status}", retry_after=asked)

    @property
    def retry_after(self) -> float | None:
        """Seconds the host asks to be left alone, at most an hour; None where it says nothing that can be read."""
        value = self._fields.get(b"retry-after", b"")
        if value.isdigit() and len(value) < 20:
            return min(float(value), MAX_PAUSE)
        try:
            seconds = parsedate_to_datetime(value.decode("ascii")).timestamp() - self._unix_time()
        except (ValueError, OverflowError):
            return None
        return min(max(seconds, 0.0), MAX_PAUSE)

    def _begin(self, line: bytes) -> None:
        parts = line.split(None, 2)
        self.status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        self._fields.clear()

    def _refused_body(self, max_bytes: int) -> ItemFailure | None:
        # Nobody asked for an encoding, and unpacking one is how 500 KB become 500 MB.
        encoding = self._fields.get(b"content-encoding", b"").lower()
        if encoding not in (b"", b"identity"):
            return ItemFailure(
                FailureReason.HTTP_ERROR, "the host sent an encoded body that was not asked for"
            )
        if self.length is not None and self.length > max_bytes:
            return too_large(max_bytes)
        return None


def too_large(max_bytes: int) -> ItemFailure:
    """The failure of more bytes than the limit."""
    return ItemFailure(FailureReason.TOO_LARGE, f"more than {max_bytes} bytes")


def _reason(status: int) -> FailureReason:
    if status in _GONE:
        return FailureReason.NOT_FOUND
    if status == 429:
        return FailureReason.RATE_LIMITED
    if status >= 500 or status in _ASK_AGAIN:
        return FailureReason.SERVER_ERROR
    return FailureReason.HTTP_ERROR
