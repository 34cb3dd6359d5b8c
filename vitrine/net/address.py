"""Decides whether an IP address is public.

Only global unicast addresses are public. The table is IANA's two registries of special-purpose
addresses (https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry),
without the few entries that are ordinary hosts, plus one address that a cloud reserves for itself. It is written out
here because the result of `ipaddress.is_global` has changed between patch releases of Python.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches the machine itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; one cloud keeps its metadata there
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # looks global, but is Azure's host agent
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; one cloud keeps its metadata there
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112 sink
        "192.52.193.0/24",  # multicast tunnelling
        "192.88.99.0/24",  # former 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112 sink
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
"""Everything that IANA allocates; mapped, compatible, unique-local, link-local and multicast addresses lie outside."""

_SPECIAL_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, among them Teredo (2001::/32), which carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "2620:4f:8000::/48",  # AS112 sink
        "3fff::/20",  # documentation
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix (RFC 6052), through which networks without IPv4 reach the rest of the world. The
prefix for local use, 64:ff9b:1::/48 (RFC 8215), leads wherever its operator wants and is refused."""


def is_public(address: Address) -> bool:
    """Return whether connections to this address are allowed without an entry in the allow list."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _SPECIAL_V4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_UNICAST_V6 and not any(address in block for block in _SPECIAL_V6)


def parse_address(text: str) -> Address | None:
    """Parse an address in its ordinary form; None if it is not one. An address with a zone id (`%eth0`) never is."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None
