"""One HTTP connection to an address that was judged, with the TLS name and the Host of the URL."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from vitrine.net.connecting import connect, connect_to_proxy
from vitrine.net.host_settings import HostSettings, Proxy
from vitrine.net.rules import AddressRules
from vitrine.net.url import Target

Connection = HTTPConnection | HTTPSConnection


class _Plain(HTTPConnection):
    """Uses the socket that it was given, where urllib3 would resolve the name again."""

    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


class _Secured(HTTPSConnection):
    """The same for TLS, which urllib3 sets up over that socket."""

    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


def open_connection(
    target: Target,
    rules: AddressRules,
    settings: HostSettings,
    *,
    connect_timeout: float,
    read_timeout: float,
    ca_file: str | None = None,
) -> Connection:
    """Connect to a target, or to its proxy; raises `ItemFailure`, and `OSError` for a failed TLS handshake.

    `ca_file` is used for hosts without one of their own; None: certifi's.
    """
    proxy = settings.proxy
    if proxy is None:
        given = connect(target, rules, connect_timeout)
    else:
        given = connect_to_proxy(proxy.host, proxy.port, connect_timeout)
    given.settimeout(read_timeout)
    made: _Plain | _Secured
    if target.scheme == "https":
        context = _context(settings.ca_file or ca_file or certifi.where())
        made = _Secured(target.host, target.port, timeout=read_timeout, ssl_context=context)
        if proxy is not None:
            made = _Secured(proxy.host, proxy.port, timeout=read_timeout, ssl_context=context)
            made.set_tunnel(target.host, target.port, _proxy_headers(proxy))
    else:
        made = _Plain(target.host, target.port, timeout=read_timeout)
    made.given = given
    try:
        made.connect()
    except BaseException:
        given.close()
        made.close()
        raise
    return made


def request_line(target: Target, settings: HostSettings) -> str:
    """Return what stands in the request's first line: the path, or the whole URL for a proxy without a tunnel."""
    if settings.proxy is not None and target.scheme == "http":
        return target.url
    start = target.url.index("/", target.url.index("://") + 3)
    return target.url[start:]


def plain_proxy_headers(target: Target, settings: HostSettings) -> Mapping[str, str]:
    """Return what a proxy without a tunnel reads in the request itself."""
    if settings.proxy is None or target.scheme != "http":
        return {}
    return _proxy_headers(settings.proxy)


def _proxy_headers(proxy: Proxy) -> dict[str, str]:
    return {} if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization}


def _context(ca_file: str) -> ssl.SSLContext:
    context = create_urllib3_context(ssl_minimum_version=ssl.TLSVersion.TLSv1_2)
    context.load_verify_locations(ca_file)
    return context
