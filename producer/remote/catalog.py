"""A catalog at a URL, streamed through without a copy on disk.

What tells its format is the URL's path, then the file name and the media type that the host sends; what they leave open the first
bytes decide. Its name, which messages show and the job keeps as its source, has neither credentials nor a query.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from vitrine.core.errors import BadInput, FeedUnavailable, VitrineError
from vitrine.core.types import FailureReason, ItemFailure

if TYPE_CHECKING:
    from typing_extensions import Buffer

BUFFER_BYTES = 256 * 1024
GRACE = 30.0
"""Seconds that a slow host has in any case."""

SUFFIXES_BY_MEDIA_TYPE: Mapping[str, str] = {
    "text/csv": ".csv",
    "application/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/json": ".json",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-parquet": ".parquet",
    "text/xml": ".xml",
    "application/xml": ".xml",
    "application/rss+xml": ".xml",
    "application/atom+xml": ".xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
"""The suffix that stands for a media type. Those that say nothing (text/plain, application/octet-stream) are not here."""

_REFUSED = re.compile(r"returned 40[13]\b")
_HINTS: Mapping[FailureReason, str] = {
    FailureReason.FORBIDDEN_ADDRESS: "Name the host or its network in VITRINE_FETCH_ALLOW.",
    FailureReason.TOO_LARGE: "If the file really is that large, raise VITRINE_FEED_MAX_BYTES, and for requests over HTTP VITRINE_MAX_UPLOAD_BYTES too.",
    FailureReason.TIMEOUT: "Try again, or raise VITRINE_FEED_TIMEOUT.",
    FailureReason.NOT_FOUND: "Check the URL.",
}
STORE_HINT = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, GOOGLE_APPLICATION_CREDENTIALS, or AZURE_STORAGE_ACCOUNT_NAME and "
    "AZURE_STORAGE_ACCOUNT_KEY, or give the bucket a table in the hosts file (VITRINE_HOSTS_FILE)."
)
_CREDENTIALS_HINT = "Give credentials in the hosts file (VITRINE_HOSTS_FILE), or to the command line in VITRINE_FEED_AUTH=user:password."


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of another host, open at its beginning."""

    stream: io.RawIOBase
    version: object  #: Equal for equal files; None if the host does not name its versions.
    names: tuple[str, ...] = ()  #: Whose suffixes say what the host takes it for.
    media_type: str = ""


class RemoteCatalog:
    """A catalog at a URL. `open` can be called again: the file must then still be the same version."""

    def __init__(
        self, name: str, opener: Callable[[], RemoteFile], *, slowest: int | None = None
    ) -> None:
        """With `slowest`, in bytes per second, a slower host's file breaks off."""
        self.name = name
        self._slowest = slowest
        self.file_names: Sequence[str] = ()
        """Names whose suffixes say what the host takes the file for; known once it is open."""
        self._opener = opener
        self._version: object = None

    def open(self) -> BinaryIO:
        """Ask for the file and return its bytes as they come; raises `BadInput` or `Unavailable`."""
        try:
            file = self._opener()
        except ItemFailure as failure:
            raise unreadable(self.name, failure) from None
        try:
            self._check_version(file.version)
            suffix = SUFFIXES_BY_MEDIA_TYPE.get(file.media_type, "")
            self.file_names = [*file.names, suffix]
        except BaseException:
            file.stream.close()
            raise
        stream = file.stream if self._slowest is None else Paced(file.stream, self._slowest)
        return cast("BinaryIO", io.BufferedReader(stream, BUFFER_BYTES))

    def _check_version(self, version: object) -> None:
        if self._version is not None and version != self._version:
            raise BadInput(
                f"{self.name} changed between two readings.",
                hint="Submit it again, or download it first.",
            )
        self._version = version


class Paced(io.RawIOBase):
    """A stream that breaks off if its host sends less than `slowest` bytes per second, after the first `GRACE` seconds of waiting."""

    def __init__(
        self, stream: io.RawIOBase, slowest: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._slowest = slowest
        self._clock = clock
        self._waited = 0.0
        self._bytes = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read some bytes; raises `OSError` if they come too slowly."""
        began = self._clock()
        count = self._stream.readinto(buffer) or 0
        self._waited += self._clock() - began
        self._bytes += count
        if self._waited > GRACE + self._bytes / self._slowest:
            raise OSError(f"the host sends less than {self._slowest:,} bytes per second")
        return count

    def close(self) -> None:
        """Close the stream beneath."""
        if not self.closed:
            self._stream.close()
        super().close()


def unreadable(name: str, failure: ItemFailure) -> VitrineError:
    """Return the error of a catalog that could not be opened, which says what to do about it."""
    message = f"{name} cannot be read: {failure.detail}."
    if failure.reason.transient:
        return FeedUnavailable(message, hint=_HINTS.get(failure.reason, "Try again later."))
    if "credentials" in failure.detail:
        return BadInput(message, hint=STORE_HINT)
    if failure.reason is FailureReason.HTTP_ERROR:
        return BadInput(
            message, hint=_CREDENTIALS_HINT if _REFUSED.search(failure.detail) else None
        )
    if failure.reason is FailureReason.BAD_URL and "user name" in failure.detail:
        return BadInput(message, hint=f"Leave it out of the URL. {_CREDENTIALS_HINT}")
    return BadInput(message, hint=_HINTS.get(failure.reason))
