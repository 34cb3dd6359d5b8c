"""A document read as a stream over HTTP: a connection that breaks is opened again, and reading goes on where it ended.

The host is asked for the rest (Range), under the condition that the document is still the same (If-Range). A host that
sends all of it again is read from the beginning, and what was read before must be the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.http_client import HttpAnswer, HttpClient, Validators

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_RESUMES = 5
"""Attempts that together bring fewer than `PROGRESS` bytes; then the download fails."""
PROGRESS = 1024 * 1024
MAX_WAIT = 60.0
"""Seconds between two attempts at most, whatever Retry-After says: somebody is waiting."""
PIECE = 256 * 1024

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)")


class DownloadBroken(OSError):
    """Raised if a download cannot be read to its end; the message says why, and how far it came."""


class HttpDownload(io.RawIOBase):
    """The body of a document at `url`, at most `max_bytes` long. The first answer is in `answer`; raises `ItemFailure` for none."""

    def __init__(
        self,
        client: HttpClient,
        url: str,
        *,
        max_bytes: int,
        authorization: str | None = None,
        seen: Validators | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._client = client
        self._url = url
        self._authorization = authorization
        self._max_bytes = max_bytes
        self._sleep = sleep or time.sleep
        self.answer = client.get(url, authorization=authorization, seen=seen)
        self._version = self.answer.validators
        self._length = 0 if self.answer.unchanged else self.answer.length
        self._current = self.answer
        self._read = 0
        self._digest = hashlib.blake2b()
        self._failures = 0
        self._counted_from = 0
        if self._length is not None and self._length > max_bytes:
            self.answer.close()
            raise _too_large(max_bytes)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read some bytes into a buffer, none at the end; raises `DownloadBroken`."""
        target = memoryview(buffer).cast("B")
        try:
            data = self._next(min(len(target), PIECE))
        except ItemFailure as failure:
            raise DownloadBroken(f"{failure.detail}, after {self._read:,} bytes") from None
        target[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        if not self.closed:
            self._current.close()
        super().close()

    def _next(self, most: int) -> bytes:
        while True:
            try:
                data = self._piece(most)
            except ItemFailure as failure:
                self._resume(failure)
                continue
            self._read += len(data)
            if self._read > self._max_bytes:
                raise _too_large(self._max_bytes)
            self._digest.update(data)
            return data

    def _piece(self, most: int) -> bytes:
        data = self._current.read(most)
        if not data and self._length is not None and self._read < self._length:
            raise ItemFailure(FailureReason.CONNECTION_FAILED, "the connection broke")
        return data

    def _resume(self, failure: ItemFailure) -> None:
        """Open a connection that goes on after the bytes read so far; raises `ItemFailure` if there is none."""
        self._current.close()
        while True:
            self._wait(failure)
            try:
                self._current = self._rest()
                return
            except ItemFailure as error:
                failure = error

    def _wait(self, failure: ItemFailure) -> None:
        if not failure.reason.transient:
            raise failure
        if self._read >= self._counted_from + PROGRESS:
            self._failures, self._counted_from = 0, self._read
        self._failures += 1
        if self._failures > MAX_RESUMES:
            raise failure
        pause = failure.retry_after or 0.5 * 2**self._failures
        self._sleep(min(pause, MAX_WAIT))

    def _rest(self) -> HttpAnswer:
        headers = {}
        strong = self._version.strong
        if self._read and strong:
            headers = {"Range": f"bytes={self._read}-", "If-Range": strong}
        answer = self._client.get(self._url, headers=headers, authorization=self._authorization)
        try:
            self._join(answer)
        except BaseException:
            answer.close()
            raise
        return answer

    def _join(self, answer: HttpAnswer) -> None:
        """Bring an answer to where reading goes on; raises `ItemFailure` if it is another document."""
        if answer.status == 206:
            found = _CONTENT_RANGE.match(answer.header("Content-Range") or "")
            if found is None or int(found[1]) != self._read:
                raise _changed("the host sent another part than it was asked for")
            if not _agree(self._version, answer.validators):
                raise _changed("the file changed while it was read")
            return
        if not _agree(self._version, answer.validators):
            raise _changed("the file changed while it was read")
        self._skip(answer)

    def _skip(self, answer: HttpAnswer) -> None:
        digest, left = hashlib.blake2b(), self._read
        while left:
            data = answer.read(min(left, PIECE))
            if not data:
                raise ItemFailure(FailureReason.CONNECTION_FAILED, "the connection broke")
            digest.update(data)
            left -= len(data)
        if digest.digest() != self._digest.digest():
            raise _changed("the file changed while it was read")


def _agree(one: Validators, other: Validators) -> bool:
    """Return whether two answers can be of one version: what both of them name is equal."""
    pairs = ((one.etag, other.etag), (one.last_modified, other.last_modified))
    return all(mine == theirs for mine, theirs in pairs if mine and theirs)


def _changed(detail: str) -> ItemFailure:
    return ItemFailure(FailureReason.HTTP_ERROR, detail)


def _too_large(max_bytes: int) -> ItemFailure:
    return ItemFailure(FailureReason.TOO_LARGE, f"more than {max_bytes:,} bytes")
