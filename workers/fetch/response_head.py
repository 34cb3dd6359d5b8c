"""Interprets the head of an HTTP response before any byte of the body is read.

The status and the five relevant header fields go in line by line. The result is whether the body is worth
reading, where a redirect points, or which failure the response means. Content-Type is ignored: shops often
set it wrongly, and the bytes themselves show the format.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.response_status import failure_of, is_redirect, retry_after_seconds
from workers.fetch.content_coding import CODINGS

_WANTED = frozenset({b"content-length", b"content-encoding", b"location", b"etag", b"retry-after"})
_GOOD = frozenset({200, 203})
_EMPTY = frozenset({204, 205})
MAX_ETAG = 256


class ResponseHead:
    """The head of one response, filled by `feed` until it is `complete`."""

    def __init__(self, unix_time: Callable[[], float] = time.time) -> None:
        self._unix_time = unix_time
        self._fields: dict[bytes, bytes] = {}
        self.status = 0
        self.complete = False

    def feed(self, line: bytes) -> None:
        """Take one raw line, including its line ending; lines after the head (trailers) are ignored."""
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
            # A 1xx response precedes the real one.
            self.complete = self.status >= 200

    @property
    def good(self) -> bool:
        """Whether the body is the requested picture."""
        return self.status in _GOOD

    @property
    def etag(self) -> str | None:
        """The ETag as sent; None if it is missing or too long to keep."""
        value = self._fields.get(b"etag")
        return value.decode("latin-1") if value and len(value) <= MAX_ETAG else None

    @property
    def coding(self) -> bytes:
        """The Content-Encoding in lower case; empty for a body as it is."""
        coding = self._fields.get(b"content-encoding", b"").lower()
        return b"" if coding == b"identity" else coding

    @property
    def location(self) -> str | None:
        """The target of a redirect as sent, decoded as UTF-8 if valid, else as Latin-1; None if not a redirect."""
        value = self._fields.get(b"location")
        if value is None or not is_redirect(self.status):
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")

    @property
    def length(self) -> int | None:
        """The Content-Length; None if it is missing or not a number."""
        value = self._fields.get(b"content-length", b"")
        return int(value) if value.isdigit() and len(value) < 20 else None

    def failure(self, max_bytes: int) -> ItemFailure | None:
        """Return the failure that the head alone shows; None for a usable response and for a redirect."""
        if self.good:
            return self._refused_body(max_bytes)
        if self.location is not None:
            return None
        if self.status in _EMPTY:
            return ItemFailure(FailureReason.NOT_AN_IMAGE, f"empty (status {self.status})")
        return failure_of(self.status, self._retry_after, self._unix_time)

    @property
    def retry_after(self) -> float | None:
        """The Retry-After in seconds, at most an hour; None if it is missing or invalid."""
        return retry_after_seconds(self._retry_after, self._unix_time)

    @property
    def _retry_after(self) -> str | None:
        value = self._fields.get(b"retry-after")
        return None if value is None else value.decode("latin-1")

    def _begin(self, line: bytes) -> None:
        parts = line.split(None, 2)
        self.status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        self._fields.clear()

    def _refused_body(self, max_bytes: int) -> ItemFailure | None:
        # The request accepts no encoding, but some servers pack everything that they send.
        if self.coding not in (b"", *CODINGS):
            return ItemFailure(
                FailureReason.HTTP_ERROR, "the host sent an encoded body that was not requested"
            )
        if self.length is not None and self.length > max_bytes:
            return too_large(max_bytes)
        return None


def too_large(max_bytes: int) -> ItemFailure:
    """Return the failure of a picture that exceeds the size limit."""
    return ItemFailure(FailureReason.TOO_LARGE, f"more than {max_bytes} bytes")
