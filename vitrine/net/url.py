"""Parses a URL as written by a user into a `Target` that can be requested, or refuses it with a reason.

Strict on purpose: if two parsers read a URL differently, one host may pass the check and the connection go
to another. So the URL is split here, each part must match a narrow grammar, and the URL for curl is rebuilt
from the checked parts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit

import idna

from vitrine.core.schemes import SCHEMES
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.address import Address, parse_address

MAX_URL = 8192
"""Characters. Signed URLs of object stores stay below 2,000; servers refuse URLs from 8,192 characters on."""

MAX_SHOWN = 255
"""Characters of a URL in messages and as a job's source."""

_DEFAULT_PORTS = {scheme.name: scheme.http_port for scheme in SCHEMES.values() if scheme.http_port}
_NETLOC = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@%/?#]+)(?::(?P<port>[0-9]{0,5}))?")
_SCHEME_NAME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE = "!$%&'()*+,/:;=?@[]~"
"""Characters that are not escaped in a path or query: all that RFC 3986 allows there, and the percent sign."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL whose syntax has been checked."""

    url: str
    scheme: str
    host: str  #: Lowercase ASCII; an IPv6 address without its brackets.
    port: int
    address: Address | None  #: Set if the host is an address rather than a name.

    @property
    def authority(self) -> str:
        """`host:port`, the key of limits, pauses and connections."""
        return f"{self.host}:{self.port}"


def parse_url(text: str) -> Target:
    """Parse a URL; raises an `ItemFailure(BAD_URL)` that says what is wrong with it."""
    _check_characters(text)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise bad_url("the host cannot be read") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise bad_url("only http and https are fetched")
    host, port = _parse_netloc(parts.netloc, _DEFAULT_PORTS[scheme])
    address = parse_address(host)
    shown = f"[{host}]" if isinstance(address, IPv6Address) else host
    at = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    path = quote(parts.path or "/", safe=_SAFE)
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    return Target(f"{scheme}://{shown}{at}{path}{query}", scheme, host, port, address)


def follow_url(base: Target, location: str) -> Target:
    """Return the target of a redirect, its blanks encoded; raises `ItemFailure(BAD_URL)` like `parse_url`."""
    location = mend_url(location.strip())
    _check_characters(location)
    try:
        return parse_url(urljoin(base.url, location))
    except ValueError:
        raise bad_url("the redirect cannot be read") from None


def mend_url(text: str) -> str:
    """Encode a URL's blanks, as browsers request it. Other characters that need it `parse_url` encodes."""
    return text.replace(" ", "%20")


def parse_host(text: str) -> str:
    """Normalise a host: IDNA, lowercase, no trailing dot; raises `ItemFailure(BAD_URL)`.

    A host whose last label is a number must be an IPv4 address (WHATWG URL, "ends in a number") written
    as four plain decimals: `127.1`, `0x7f.1`, `2130706433` and `0177.0.0.1` are addresses to some
    resolvers and names to others.
    """
    if text.startswith("["):
        return _parse_ipv6(text[1:-1])
    host = (text if text.isascii() else _to_ascii(text)).lower().removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        address = parse_address(host)
        if address is None:
            raise bad_url("the host is a number, but not an address written as a.b.c.d")
        return str(address)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise bad_url("the host is not a valid name")
    return host


def shown_url(text: str) -> str:
    """Return a URL as messages, logs and jobs show it: without user name, password, query and fragment.

    A query can hold a signature or a token. Of a URL that cannot be read, what follows the last `@` is shown.
    """
    scheme, colons, rest = text.partition("://")
    if not colons or not _SCHEME_NAME.fullmatch(scheme):
        return "a URL that cannot be read"
    place = re.split(r"[?#]", rest, maxsplit=1)[0]
    netloc = place.partition("/")[0]
    # A password can hold a slash; what precedes a later @ is then no host.
    if "@" in netloc or ("@" in place and not _NETLOC.fullmatch(netloc)):
        place = place.rpartition("@")[2]
    return f"{scheme.lower()}://{''.join(filter(str.isprintable, place))[:MAX_SHOWN]}"


def bad_url(detail: str) -> ItemFailure:
    """Return the failure of a URL that is refused for its syntax."""
    return ItemFailure(FailureReason.BAD_URL, detail)


def _check_characters(text: str) -> None:
    if len(text) > MAX_URL:
        raise bad_url(f"longer than {MAX_URL} characters")
    if "\\" in text:
        raise bad_url("a backslash")
    if text.isascii() and text.isprintable() and " " not in text:
        return
    # C: controls, invisible formatting, lone surrogates, unassigned; Z: spaces of every kind.
    if any(unicodedata.category(character)[0] in "CZ" for character in text):
        raise bad_url("a space or a control character; write it as %20 or the like")


def _parse_netloc(netloc: str, default_port: int) -> tuple[str, int]:
    if "@" in netloc:
        raise bad_url("a user name or password before the host")
    match = _NETLOC.fullmatch(netloc)
    if match is None:
        raise bad_url("no host, or one that cannot be read")
    port = int(match["port"]) if match["port"] else default_port
    if not 0 < port < 65536:
        raise bad_url("the port is not between 1 and 65535")
    return parse_host(match["host"]), port


def _parse_ipv6(text: str) -> str:
    address = parse_address(text)
    if not isinstance(address, IPv6Address):
        raise bad_url("the host in brackets is not an IPv6 address")
    return str(address)


def _to_ascii(host: str) -> str:
    """Encode by IDNA 2008 with the UTS 46 mapping: full-width digits and dots become plain ones and are checked as such."""
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError, IndexError):
        raise bad_url("the host is not a valid internationalised name") from None
