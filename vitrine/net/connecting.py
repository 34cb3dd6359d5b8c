"""Opens the TCP connection to a host: its name is resolved once, each address is judged, and only a judged one is used.

Nothing between here and the socket resolves the name a second time, so a name that changes its address in
between (DNS rebinding) leads nowhere else.
"""

from __future__ import annotations

import socket
import time

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.address import parse_address
from vitrine.net.rules import AddressRules, forbidden
from vitrine.net.url import Target


def connect(target: Target, rules: AddressRules, seconds: float) -> socket.socket:
    """Connect to the first admitted address of a target that accepts; raises `ItemFailure`.

    `seconds` is for all addresses together; resolving the name takes as long as the system lets it.
    """
    resolved = _resolve(target.host, target.port)
    admitted = [one for one in resolved if _is_admitted(one[1], target, rules)]
    if not admitted:
        raise forbidden()
    return _first_that_accepts(admitted, seconds)


def connect_to_proxy(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to a proxy, whose address the operator chose and nobody else judges; raises `ItemFailure`."""
    return _first_that_accepts(_resolve(host, port), seconds)


_Resolved = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def _resolve(host: str, port: int) -> list[_Resolved]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ItemFailure(
            FailureReason.CONNECTION_FAILED, "the host's name cannot be resolved"
        ) from None
    # Without IPv6, Python gives such addresses as (int, bytes), which nothing can connect to.
    return [(family, place) for family, _, _, _, place in found if isinstance(place[0], str)]


def _is_admitted(place: tuple[object, ...], target: Target, rules: AddressRules) -> bool:
    address = parse_address(str(place[0]))
    return address is not None and rules.admits(target, address)


def _first_that_accepts(resolved: list[_Resolved], seconds: float) -> socket.socket:
    deadline = time.monotonic() + seconds
    failure = ItemFailure(FailureReason.CONNECTION_FAILED, "the host has no address")
    for family, place in resolved:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return _open(family, place, left)
        except TimeoutError:
            failure = ItemFailure(FailureReason.TIMEOUT, "the host does not accept a connection")
        except OSError as error:
            why = error.strerror or type(error).__name__
            failure = ItemFailure(FailureReason.CONNECTION_FAILED, f"no connection: {why}")
    raise failure


def _open(
    family: socket.AddressFamily, place: tuple[str, int] | tuple[str, int, int, int], left: float
) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(left)
        opened.connect(place)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        opened.close()
        raise
    return opened
