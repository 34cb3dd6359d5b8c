"""A curl handle that is set up once and reused for many exchanges.

All security-relevant options are set here, in one place, with their reasons. The callbacks pass what
curl reports to the current exchange; they never raise, because curl could only print the exception.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import pycurl

import vitrine
from vitrine.net.host_settings import NO_SETTINGS, HostSettings, Proxy
from vitrine.net.url import Target
from workers.fetch.exchange import BodyVerdict, Exchange
from workers.fetch.policy import FetchPolicy

BUFFER_BYTES = 512 * 1024
"""curl's largest receive buffer: fewer system calls and callbacks per picture. All handles share one buffer."""

_ABORT = -1
_SUPPRESS_CONNECT_HEADERS = 265
"""CURLOPT_SUPPRESS_CONNECT_HEADERS, for which pycurl has no name."""
_STANDARD = ("Accept: image/*", "Accept-Encoding: identity")


class CurlHandle:
    """A reusable easy handle. Its owner adds `curl` to a multi handle and removes it."""

    def __init__(self, policy: FetchPolicy, ca_bundle: str) -> None:
        self._connect_timeout = policy.connect_timeout
        self._hosts = policy.hosts
        self._ca_bundle = ca_bundle
        self._settings = NO_SETTINGS
        self._exchange: Exchange | None = None
        self._offered: socket.socket | None = None
        self.curl: Any = pycurl.Curl()
        for option, value in self._options().items():
            self.curl.setopt(option, value)
        self._apply(NO_SETTINGS)

    def begin(self, exchange: Exchange, target: Target, seconds: float) -> None:
        """Prepare a request to a target, limited to `seconds`; it starts when the handle is added to a multi handle."""
        self._exchange = exchange
        settings = self._hosts.of(target)
        if settings is not self._settings:
            self._apply(settings)
        self.curl.setopt(pycurl.URL, target.url)
        # curl treats 0 as no limit.
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, round(seconds * 1000)))
        connect = min(seconds, self._connect_timeout)
        self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(connect * 1000)))

    def end(self) -> None:
        """Drop the exchange, so that an idle handle keeps no picture in memory."""
        self._exchange = None
        self._offer(None)

    def close(self) -> None:
        """Free the handle, which must already have been removed from its multi handle."""
        self.end()
        self.curl.close()

    def _apply(self, settings: HostSettings) -> None:
        """Set everything that differs between hosts, so that nothing of the last host is left."""
        proxy = settings.proxy
        for option, value in {
            # Without an entry not even a proxy from the environment: it would choose the address.
            pycurl.PROXY: "" if proxy is None else f"http://{_in_url(proxy.host)}:{proxy.port}",
            pycurl.NOPROXY: "*" if proxy is None else "",
            pycurl.PROXYHEADER: _proxy_headers(proxy),
            pycurl.CAINFO: settings.ca_file or self._ca_bundle,
            pycurl.HTTPHEADER: _header_lines(settings.headers),
        }.items():
            self.curl.setopt(option, value)
        self._settings = settings

    def _options(self) -> dict[int, object]:
        return {
            pycurl.OPENSOCKETFUNCTION: self._open,
            pycurl.HEADERFUNCTION: self._header,
            pycurl.WRITEFUNCTION: self._write,
            pycurl.NOSIGNAL: 1,  # the process's signals belong to Celery
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.FOLLOWLOCATION: 0,  # each redirect is checked here, like any other URL
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,  # a connection belongs to one host:port
            pycurl.HTTP09_ALLOWED: 0,
            pycurl.HTTP_CONTENT_DECODING: 0,  # only bytes that were counted are kept
            _SUPPRESS_CONNECT_HEADERS: 1,  # a proxy's own answer is not the host's
            pycurl.HEADEROPT: pycurl.HEADER_SEPARATE,  # a host's headers are not for its proxy
            pycurl.NETRC: pycurl.NETRC_IGNORED,  # never send this machine's credentials
            pycurl.SSL_VERIFYPEER: 1,
            pycurl.SSL_VERIFYHOST: 2,
            pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,
            pycurl.BUFFERSIZE: BUFFER_BYTES,
            pycurl.USERAGENT: f"vitrine/{vitrine.__version__}",
        }

    def _open(self, _purpose: int, address: Any) -> socket.socket | int:
        # The last moment before connecting, with the exact address that curl will connect to: what the
        # name resolved to earlier, or resolves to elsewhere, does not matter.
        exchange = self._exchange
        internet = address.family in (socket.AF_INET, socket.AF_INET6)
        if exchange is None or not internet or not exchange.admit(str(address.addr[0])):
            return int(pycurl.SOCKET_BAD)
        try:
            offered = socket.socket(address.family, address.socktype, address.protocol)
        except OSError:
            return int(pycurl.SOCKET_BAD)
        self._offer(offered)
        return offered

    def _offer(self, offered: socket.socket | None) -> None:
        # pycurl duplicates the descriptor after the callback returns. curl closes the duplicate; we close
        # ours at the next call.
        if self._offered is not None:
            self._offered.close()
        self._offered = offered

    def _header(self, line: bytes) -> int | None:
        exchange = self._exchange
        return None if exchange is not None and exchange.head(line) else _ABORT

    def _write(self, piece: bytes) -> int | None:
        exchange = self._exchange
        verdict = BodyVerdict.STOP if exchange is None else exchange.body(piece)
        if verdict is BodyVerdict.GO_ON:
            return None
        return int(pycurl.WRITEFUNC_PAUSE) if verdict is BodyVerdict.WAIT else _ABORT


def _header_lines(own: Mapping[str, str]) -> list[bytes]:
    """Return the request's header lines: a host's own count more than those that all get."""
    given = {name.lower() for name in own}
    lines = [line for line in _STANDARD if line.partition(":")[0].lower() not in given]
    # curl sends a header without a value only if it ends in a semicolon.
    lines += [f"{name}: {value}" if value else f"{name};" for name, value in own.items()]
    return [line.encode("latin-1") for line in lines]


def _proxy_headers(proxy: Proxy | None) -> list[str]:
    authorization = proxy and proxy.authorization
    return [f"Proxy-Authorization: {authorization}"] if authorization else []


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
