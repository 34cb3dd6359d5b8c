"""The allow list: hosts and networks that the fetcher may connect to although they are not public.

Entries are `host`, `host:port` or a network in CIDR form. A host is compared with the URL and is trusted
whatever address its name resolves to; a network is compared with the address that the connection really
goes to. A bare address is a host: `10.0.0.5` allows only URLs that contain it, `10.0.0.5/32` also allows
names that resolve to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from vitrine.core.errors import BadInput
from vitrine.core.types import ItemFailure
from vitrine.net.address import Address
from vitrine.net.url import parse_host

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts, hosts with a port, and networks. An empty list allows only the public internet."""

    hosts: frozenset[str] = frozenset()
    authorities: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """Parse the entries; raises a `BadInput` that names the first invalid one."""
        hosts, authorities, networks = set[str](), set[tuple[str, int]](), list[Network]()
        for entry in entries:
            if "/" in entry:
                networks.append(_network(entry))
                continue
            host, port = _authority(entry)
            if port is None:
                hosts.add(host)
            else:
                authorities.add((host, port))
        return cls(frozenset(hosts), frozenset(authorities), tuple(networks))

    def names_port(self, host: str, port: int) -> bool:
        """Return whether exactly this host and port are listed."""
        return (host, port) in self.authorities

    def names(self, host: str, port: int) -> bool:
        """Return whether a URL's host and port are trusted, whatever address the name resolves to."""
        return host in self.hosts or self.names_port(host, port)

    def covers(self, address: Address) -> bool:
        """Return whether an address lies in a listed network."""
        return any(address in network for network in self.networks)


def _network(entry: str) -> Network:
    try:
        return ip_network(entry)
    except ValueError as error:
        raise _unreadable(entry, str(error)) from None


def _authority(entry: str) -> tuple[str, int | None]:
    # One colon separates a port; several mean an IPv6 address, which is in brackets if a port follows.
    bare = entry.count(":") > 1 and not entry.startswith("[")
    text, bracket, rest = (f"[{entry}]" if bare else entry).rpartition("]")
    host, colon, port = rest.partition(":")
    host = text + bracket + host
    try:
        name = parse_host(host)
    except ItemFailure as failure:
        raise _unreadable(entry, failure.detail) from None
    if not colon:
        return name, None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise _unreadable(entry, "the port is not between 1 and 65535")
    return name, int(port)


def _unreadable(entry: str, why: str) -> BadInput:
    return BadInput(
        f"VITRINE_FETCH_ALLOW: {entry!r} cannot be read: {why}.",
        hint="An entry is a host, a host:port, or a network such as 10.0.0.0/8; no scheme, no path.",
    )
