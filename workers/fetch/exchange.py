"""One request and its answer, as the transport tells it: addresses, head lines and body pieces go in,
and a picture, a redirect or a failure comes out. Knows no socket and no curl, only the rules.
"""

from __future__ import annotations

import enum

import pycurl

from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch.address import parse_address
from workers.fetch.memory_budget import MemoryBudget
from workers.fetch.policy import FetchPolicy, forbidden
from workers.fetch.response_head import ResponseHead, too_large
from workers.fetch.result import FetchedPicture
from workers.fetch.url import Target, follow_url

MAX_IGNORED = 64 * 1024
"""Bytes of an error page or a redirect that are read and dropped: less than this costs less than a new
connection, and few such pages are longer."""


class BodyVerdict(enum.Enum):
    """What the transport shall do after a piece of a body."""

    GO_ON = "go_on"
    STOP = "stop"  #: Enough is known; the connection is not worth keeping.
    WAIT = "wait"  #: No memory at the moment; the same piece is to be offered again.


class Exchange:
    """One request for `target` under a policy; `budget` counts the bytes it keeps. For one thread."""

    def __init__(self, target: Target, policy: FetchPolicy, budget: MemoryBudget[Exchange]) -> None:
        self._target = target
        self._policy = policy
        self._budget = budget
        self._answer = ResponseHead()
        self._failure: ItemFailure | None = None
        self._pieces: list[bytes] = []
        self._kept = 0
        self._ignored = 0
        self._refused = 0
        self._admitted = 0

    def admit(self, host: str) -> bool:
        """Whether a connection to this numeric address, the one about to be made, is allowed."""
        address = parse_address(host)
        admitted = address is not None and self._policy.admits(self._target, address)
        if admitted:
            self._admitted += 1
        else:
            self._refused += 1
        return admitted

    def head(self, line: bytes) -> bool:
        """Take a line of the head; False where the body shall not even begin."""
        answer = self._answer
        trailer = answer.complete
        answer.feed(line)
        if trailer or not answer.complete:
            return True
        self._failure = answer.failure(self._policy.max_bytes)
        return not (answer.good and self._failure)

    def body(self, piece: bytes) -> BodyVerdict:
        """Take a piece of the body."""
        if not self._answer.good:
            self._ignored += len(piece)
            return BodyVerdict.GO_ON if self._ignored <= MAX_IGNORED else BodyVerdict.STOP
        if self._kept + len(piece) > self._policy.max_bytes:
            self._failure = too_large(self._policy.max_bytes)
            return BodyVerdict.STOP
        if not self._budget.take(self, len(piece)):
            return BodyVerdict.WAIT
        self._pieces.append(piece)
        self._kept += len(piece)
        return BodyVerdict.GO_ON

    def result(self, code: int, message: str) -> FetchedPicture | Target:
        """The picture, or where to look next; raises `ItemFailure`. `code` is the transport's, 0 for a good end."""
        if self._failure is not None:
            raise self._failure
        location = self._answer.location if self._answer.complete else None
        if location is not None:
            return self._follow(location)
        # curl counts a connection that was cut within the head as a good end.
        if code or not self._answer.complete:
            raise self._broken(code, message or "cut in the middle of the head")
        if not self._kept:
            raise ItemFailure(FailureReason.NOT_AN_IMAGE, "empty")
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return FetchedPicture(data, self._target.url, self._answer.status, self._answer.etag)

    def _follow(self, location: str) -> Target:
        target = follow_url(self._target, location)
        # Who wrote https asked for a picture that nobody on the way can swap.
        if self._target.scheme == "https" and target.scheme == "http":
            raise ItemFailure(FailureReason.HTTP_ERROR, "a redirect from https to http")
        return target

    def _broken(self, code: int, message: str) -> ItemFailure:
        if self._refused and not self._admitted:
            return forbidden()
        return ItemFailure(_REASONS.get(code, FailureReason.CONNECTION_FAILED), message)


_HEAD_TOO_LARGE = 100
"""CURLE_TOO_LARGE, which pycurl has no name for: more than 300 KB of header fields."""

_REASONS = {
    pycurl.E_OPERATION_TIMEDOUT: FailureReason.TIMEOUT,
    pycurl.E_URL_MALFORMAT: FailureReason.BAD_URL,
    # A certificate is wrong until somebody renews it, an answer that is no HTTP until somebody mends it.
    pycurl.E_PEER_FAILED_VERIFICATION: FailureReason.HTTP_ERROR,
    pycurl.E_SSL_ISSUER_ERROR: FailureReason.HTTP_ERROR,
    pycurl.E_SSL_CERTPROBLEM: FailureReason.HTTP_ERROR,
    pycurl.E_SSL_INVALIDCERTSTATUS: FailureReason.HTTP_ERROR,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: FailureReason.HTTP_ERROR,
    pycurl.E_UNSUPPORTED_PROTOCOL: FailureReason.HTTP_ERROR,  # HTTP/0.9
    _HEAD_TOO_LARGE: FailureReason.HTTP_ERROR,
    pycurl.E_BAD_CONTENT_ENCODING: FailureReason.HTTP_ERROR,
}
"""curl's errors that are more than a broken connection (https://curl.se/libcurl/c/libcurl-errors.html)."""
