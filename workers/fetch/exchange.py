"""The rules for one request and its response, without sockets: addresses, header lines and pieces of the body
go in, and a picture, a redirect or a failure comes out.
"""

from __future__ import annotations

import enum

import pycurl

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.address import parse_address
from vitrine.net.rules import forbidden, redirect_target
from vitrine.net.url import Target
from workers.fetch.content_coding import BodyDecoder
from workers.fetch.memory_budget import MemoryBudget
from workers.fetch.policy import FetchPolicy
from workers.fetch.response_head import ResponseHead, too_large
from workers.fetch.result import FetchedPicture

MAX_IGNORED = 64 * 1024
"""Bytes of an error page or redirect body that are read and discarded: reading this much is cheaper than a new
connection, and few such bodies are longer."""


class BodyVerdict(enum.Enum):
    """What the transport must do after a piece of the body."""

    GO_ON = "go_on"
    STOP = "stop"  #: Enough is known; the connection is not worth keeping.
    WAIT = "wait"  #: The memory budget is full; offer the same piece again later.


class Exchange:
    """One request for `target` under a policy; `budget` counts the bytes it keeps. Not thread-safe."""

    def __init__(self, target: Target, policy: FetchPolicy, budget: MemoryBudget[Exchange]) -> None:
        self._target = target
        self._policy = policy
        self._budget = budget
        self._answer = ResponseHead()
        self._failure: ItemFailure | None = None
        self._pieces: list[bytes] = []
        self._kept = 0
        self._decoder: BodyDecoder | None = None
        self._proxied = policy.hosts.of(target).proxy is not None
        self._ignored = 0
        self._refused = 0
        self._admitted = 0

    def admit(self, host: str) -> bool:
        """Return whether curl may open the connection to this numeric address.

        If the hosts file names a proxy for the target, the address is that proxy's, which the operator chose.
        """
        address = parse_address(host)
        admitted = self._proxied or (
            address is not None and self._policy.admits(self._target, address)
        )
        if admitted:
            self._admitted += 1
        else:
            self._refused += 1
        return admitted

    def head(self, line: bytes) -> bool:
        """Take a line of the response head; return False if the body should not be read at all."""
        answer = self._answer
        trailer = answer.complete
        answer.feed(line)
        if trailer or not answer.complete:
            return True
        self._failure = answer.failure(self._policy.max_bytes)
        if answer.good and answer.coding and self._failure is None:
            self._decoder = BodyDecoder(answer.coding)
        return not (answer.good and self._failure)

    def body(self, piece: bytes) -> BodyVerdict:
        """Take a piece of the body."""
        if not self._answer.good:
            self._ignored += len(piece)
            return BodyVerdict.GO_ON if self._ignored <= MAX_IGNORED else BodyVerdict.STOP
        decoder = self._decoder and self._decoder.copy()
        try:
            data = piece if decoder is None else decoder.feed(piece, self._left + 1)
        except ItemFailure as failure:
            self._failure = failure
            return BodyVerdict.STOP
        if len(data) > self._left:
            self._failure = too_large(self._policy.max_bytes)
            return BodyVerdict.STOP
        if not self._budget.take(self, len(data)):
            return BodyVerdict.WAIT
        self._decoder = decoder
        self._pieces.append(data)
        self._kept += len(data)
        return BodyVerdict.GO_ON

    @property
    def _left(self) -> int:
        return self._policy.max_bytes - self._kept

    def result(self, code: int, message: str) -> FetchedPicture | Target:
        """Return the picture or the redirect's target; raises `ItemFailure`. `code` is curl's code, 0 on success."""
        if self._failure is not None:
            raise self._failure
        location = self._answer.location if self._answer.complete else None
        if location is not None:
            return redirect_target(self._target, location)
        # curl reports success when the connection is cut in the middle of the head.
        if code or not self._answer.complete:
            raise self._broken(code, message or "cut in the middle of the head")
        if self._decoder is not None and not self._decoder.complete:
            raise ItemFailure(FailureReason.TRUNCATED, "the encoded body ends too early")
        if not self._kept:
            raise ItemFailure(FailureReason.NOT_AN_IMAGE, "empty")
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return FetchedPicture(data, self._target.url, self._answer.status, self._answer.etag)

    def _broken(self, code: int, message: str) -> ItemFailure:
        if self._refused and not self._admitted:
            return forbidden()
        return ItemFailure(_REASONS.get(code, FailureReason.CONNECTION_FAILED), message)


_HEAD_TOO_LARGE = 100
"""CURLE_TOO_LARGE, for which pycurl has no name: more than 300 KB of header fields."""

_REASONS = {
    pycurl.E_OPERATION_TIMEDOUT: FailureReason.TIMEOUT,
    pycurl.E_URL_MALFORMAT: FailureReason.BAD_URL,
    # Retrying does not help: a bad certificate or a response that is not HTTP stays so until somebody fixes it.
    pycurl.E_PEER_FAILED_VERIFICATION: FailureReason.HTTP_ERROR,
    pycurl.E_SSL_ISSUER_ERROR: FailureReason.HTTP_ERROR,
    pycurl.E_SSL_CERTPROBLEM: FailureReason.HTTP_ERROR,
    pycurl.E_SSL_INVALIDCERTSTATUS: FailureReason.HTTP_ERROR,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: FailureReason.HTTP_ERROR,
    pycurl.E_UNSUPPORTED_PROTOCOL: FailureReason.HTTP_ERROR,  # HTTP/0.9
    _HEAD_TOO_LARGE: FailureReason.HTTP_ERROR,
    pycurl.E_BAD_CONTENT_ENCODING: FailureReason.HTTP_ERROR,
}
"""curl's errors that mean more than a broken connection (https://curl.se/libcurl/c/libcurl-errors.html)."""
