"""The HTTP client for everything but pictures: catalogs by URL, and later webhooks.

A request goes only to addresses that the rules admit; redirects are followed here, each judged like the first URL and sent
only what its own host is to get. Failures are `ItemFailure`s, whose reason says whether trying again can help. No
URL, header or credential is ever part of a message or a log.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import HTTPResponse

import vitrine
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.host_settings import Hosts, HostSettings
from vitrine.net.http_connection import (
    Connection,
    open_connection,
    plain_proxy_headers,
    request_line,
)
from vitrine.net.response_status import failure_of, is_redirect
from vitrine.net.rules import AddressRules, RedirectTrail, redirect_target
from vitrine.net.url import Target, parse_url


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The limits of a client. Times in seconds."""

    rules: AddressRules = field(default_factory=AddressRules)
    connect_timeout: float = 5.0
    read_timeout: float = 60.0  #: How long a host may be silent.
    max_redirects: int = 3


@dataclass(frozen=True, slots=True)
class Validators:
    """What names the version of a document that a host sent: kept by the caller, sent with the next request."""

    etag: str | None = None
    last_modified: str | None = None

    @property
    def strong(self) -> str | None:
        """What If-Range takes: an ETag that promises equal bytes, else the date; None if there is neither."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def conditions(self) -> dict[str, str]:
        """Return the headers with which a host answers 304 if the document is still this version."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified} if self.last_modified else {}


class HttpAnswer:
    """An open response whose body is read as it comes; close it."""

    def __init__(self, target: Target, connection: Connection, response: HTTPResponse) -> None:
        self.target = target  #: Where it came from, after all redirects.
        self.status = int(response.status)
        self._connection = connection
        self._response = response

    def header(self, name: str) -> str | None:
        """Return a header's value; None if it was not sent."""
        return self._response.headers.get(name)

    @property
    def unchanged(self) -> bool:
        """Whether the document is still the version that the request named (304)."""
        return self.status == 304

    @property
    def validators(self) -> Validators:
        """What names this version of the document."""
        return Validators(self.header("ETag"), self.header("Last-Modified"))

    @property
    def length(self) -> int | None:
        """The Content-Length; None if it is missing or not a number."""
        text = self.header("Content-Length") or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def read(self, most: int) -> bytes:
        """Return some bytes of the body as sent, none at its end; raises `ItemFailure` if it is cut off before that."""
        try:
            # read1, because read waits until all of it is there: a host that drips would be timed by no time-out.
            return self._response.read1(most, decode_content=False)
        except _ERRORS as error:
            raise translated(error) from None

    def close(self) -> None:
        """Close the connection, read to its end or not."""
        self._response.close()
        self._connection.close()


class HttpClient:
    """Sends requests under `limits`, with what the hosts file says about each host. Thread-safe."""

    def __init__(
        self, limits: HttpLimits, hosts: Hosts | None = None, *, ca_file: str | None = None
    ) -> None:
        self._limits = limits
        self._hosts = hosts or Hosts()
        self._ca_file = ca_file

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorization: str | None = None,
        seen: Validators | None = None,
    ) -> HttpAnswer:
        """Ask for a document and follow redirects; raises `ItemFailure` for all but 2xx and, with `seen`, 304.

        `authorization` is sent to the URL's own host and port, over its own scheme, and nowhere else.
        """
        first = target = self.target(url)
        trail = RedirectTrail(first, self._limits.max_redirects)
        extra = {**(headers or {}), **(seen.conditions() if seen else {})}
        while True:
            own = authorization if _same_origin(first, target) else None
            answer = self._ask("GET", target, extra, own, None)
            location = answer.header("Location")
            if location is None or not is_redirect(answer.status):
                return _checked(answer, conditional=bool(seen and seen.conditions()))
            answer.close()
            target = redirect_target(target, _text(location))
            trail.add(target)
            self._limits.rules.check(target)

    def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """Send a body; raises `ItemFailure` for all but 2xx. A redirect is a failure: nothing is sent a second time."""
        return _checked(
            self._ask("POST", self.target(url), headers or {}, None, body), conditional=False
        )

    def target(self, url: str) -> Target:
        """Return a URL as it will be requested; raises `ItemFailure` for one that the rules refuse."""
        target = parse_url(url)
        self._limits.rules.check(target)
        return target

    def _ask(
        self,
        method: str,
        target: Target,
        extra: Mapping[str, str],
        authorization: str | None,
        body: bytes | None,
    ) -> HttpAnswer:
        settings = self._hosts.of(target)
        headers = _headers(target, settings, extra, authorization)
        connection = None
        try:
            connection = open_connection(
                target,
                self._limits.rules,
                settings,
                connect_timeout=self._limits.connect_timeout,
                read_timeout=self._limits.read_timeout,
                ca_file=self._ca_file,
            )
            connection.request(
                method, request_line(target, settings), body, headers, preload_content=False
            )
            response = connection.getresponse()
        except _ERRORS as error:
            if connection is not None:
                connection.close()
            raise translated(error) from None
        return HttpAnswer(target, connection, response)


_ERRORS = (HTTPError, http.client.HTTPException, OSError, ValueError)


def translated(error: Exception) -> ItemFailure:
    """Return the failure that an error of the HTTP or TLS library means."""
    if isinstance(error, (TimeoutError, ReadTimeoutError)):
        return ItemFailure(FailureReason.TIMEOUT, "the host stopped sending")
    if isinstance(error, ssl.SSLCertVerificationError):
        return ItemFailure(FailureReason.HTTP_ERROR, f"its certificate: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return ItemFailure(FailureReason.HTTP_ERROR, f"TLS: {error.reason or 'failed'}")
    if isinstance(error, OSError) and str(error).startswith("Tunnel connection failed"):
        return ItemFailure(FailureReason.HTTP_ERROR, "its proxy refused the connection")
    if isinstance(error, (http.client.BadStatusLine, http.client.LineTooLong)) and not isinstance(
        error, ConnectionError
    ):
        return ItemFailure(FailureReason.HTTP_ERROR, "the host's answer is not HTTP")
    return ItemFailure(FailureReason.CONNECTION_FAILED, "the connection broke")


def _same_origin(one: Target, other: Target) -> bool:
    return (one.scheme, one.authority) == (other.scheme, other.authority)


def _headers(
    target: Target, settings: HostSettings, extra: Mapping[str, str], authorization: str | None
) -> dict[str, str]:
    """Return all headers of a request; a host's own entry counts more than what is sent to all."""
    standard = {"User-Agent": f"vitrine/{vitrine.__version__}", "Accept": "*/*"}
    fixed = {"Host": _host(target), "Accept-Encoding": "identity", "Connection": "close"}
    given = {} if authorization is None else {"Authorization": authorization}
    found: dict[str, tuple[str, str]] = {}
    layers = (
        standard,
        given,
        extra,
        settings.headers,
        plain_proxy_headers(target, settings),
        fixed,
    )
    for layer in layers:
        found.update({name.lower(): (name, value) for name, value in layer.items()})
    return dict(found.values())


def _host(target: Target) -> str:
    return target.url[target.url.index("://") + 3 :].partition("/")[0]


def _checked(answer: HttpAnswer, *, conditional: bool) -> HttpAnswer:
    if 200 <= answer.status < 300 or (conditional and answer.unchanged):
        return answer
    failure = failure_of(answer.status, answer.header("Retry-After"))
    answer.close()
    raise failure


def _text(header: str) -> str:
    """Return a header as UTF-8 if it is; urllib3 reads every header as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
