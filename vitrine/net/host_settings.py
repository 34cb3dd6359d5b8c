"""What is sent to, and needed by, one host of the hosts file: headers, credentials, a proxy, a CA file.

An entry is for exactly the host, the subdomains (`*.host`) or the `host:port` that it names. It is looked up again for
each request, redirects included, so that nothing of it reaches another host. No `repr` shows a value.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from vitrine.net.url import Target


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy, which connects to the host in our place: it, not vitrine, judges the host's addresses."""

    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def authorization(self) -> str | None:
        """The Proxy-Authorization that it gets; None without a user."""
        return None if self.user is None else basic_authorization(self.user, self.password or "")


@dataclass(frozen=True, slots=True)
class HostSettings:
    """One host's settings; all empty for a host without an entry."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name as written, `Authorization` and `Cookie` among them."""
    proxy: Proxy | None = None
    ca_file: str | None = None


NO_SETTINGS = HostSettings()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The hosts file: entries for hosts, and options for stores and SFTP hosts by their URL."""

    by_name: Mapping[str, HostSettings] = field(default_factory=dict, repr=False)
    """Keys: `host`, `host:port` and `*.host`, as in a `Target`."""
    stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Keys: `s3://bucket` and the like."""
    sftp: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """Keys: `host`, `host:port` and `*.host`."""

    def of(self, target: Target) -> HostSettings:
        """Return the settings of a target's host: the most specific entry, and of no other one."""
        return _most_specific(self.by_name, target.host, target.port) or NO_SETTINGS

    def sftp_of(self, host: str, port: int) -> Mapping[str, str]:
        """Return the options of an SFTP host."""
        return _most_specific(self.sftp, host, port) or {}


def basic_authorization(user: str, password: str) -> str:
    """Return the value of an `Authorization` header for a user and a password (RFC 7617, UTF-8)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _most_specific(entries: Mapping[str, T], host: str, port: int) -> T | None:
    if not entries:
        return None
    return next((entries[name] for name in _names(host, port) if name in entries), None)


def _names(host: str, port: int) -> Iterator[str]:
    """Yield the keys that are for a host, the most specific first."""
    yield f"{host}:{port}"
    yield host
    rest = host
    while "." in rest:
        rest = rest.partition(".")[2]
        yield f"*.{rest}"
