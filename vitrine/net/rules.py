"""Which hosts, ports and addresses can be connected to, and which redirects are followed.

The same rules hold for pictures and for catalogs. A name's addresses are judged at the moment of connecting, so
that what the name resolved to before, or resolves to elsewhere, does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.address import Address, is_public
from vitrine.net.allow_list import AllowList
from vitrine.net.url import Target, bad_url, follow_url

WEB_PORTS = frozenset({80, 443})
SSH_PORT = 22
FIRST_FREE_PORT = 1024
LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class AddressRules:
    """The public internet, and what the allow list adds to it."""

    allow: AllowList = field(default_factory=AllowList)

    def check(self, target: Target) -> None:
        """Refuse a target for its port or literal address; a name's addresses are checked when connecting.

        Ports below 1024 other than 80 and 443 belong to other protocols (mail, SSH, printers), and such a
        service might act on an HTTP request. High ports are allowed because picture servers use them too;
        on a public address they reach nothing that the client could not reach directly.
        """
        trusted_port = target.port in WEB_PORTS or target.port >= FIRST_FREE_PORT
        if not trusted_port and not self.allow.names_port(target.host, target.port):
            raise bad_url(f"port {target.port} is not one that pictures are served on")
        if target.address is not None and not self.admits(target, target.address):
            raise forbidden()

    def admits(self, target: Target, address: Address) -> bool:
        """Return whether a request for the target may be sent to this address."""
        return (
            is_public(address)
            or self.allow.names(target.host, target.port)
            or self.allow.covers(address)
        )


class RedirectTrail:
    """The URLs that one request has led to, at most `limit` redirects. Not thread-safe."""

    def __init__(self, first: Target, limit: int) -> None:
        self._seen = {first.url}
        self._limit = limit

    def add(self, target: Target) -> None:
        """Note a redirect's target; raises `ItemFailure` for a loop and for too many redirects."""
        if target.url in self._seen:
            raise ItemFailure(FailureReason.TOO_MANY_REDIRECTS, "the redirects go in a circle")
        if len(self._seen) > self._limit:
            raise ItemFailure(
                FailureReason.TOO_MANY_REDIRECTS, f"more than {self._limit} redirects"
            )
        self._seen.add(target.url)


def check_sftp(target: Target, rules: AddressRules) -> None:
    """Refuse an SFTP host for its port or literal address, as `AddressRules.check` does for HTTP."""
    trusted_port = target.port == SSH_PORT or FIRST_FREE_PORT <= target.port <= LAST_PORT
    if not trusted_port and not rules.allow.names_port(target.host, target.port):
        raise bad_url(f"port {target.port} is not one of SFTP")
    if target.address is not None and not rules.admits(target, target.address):
        raise forbidden()


def redirect_target(base: Target, location: str) -> Target:
    """Return where a redirect leads; raises `ItemFailure` for one that cannot be read or that leaves https for http."""
    target = follow_url(base, location)
    # An https URL asks for something that nobody on the way can replace.
    if base.scheme == "https" and target.scheme == "http":
        raise ItemFailure(FailureReason.HTTP_ERROR, "a redirect from https to http")
    return target


def forbidden() -> ItemFailure:
    """Return the failure of a URL with an internal address; it omits the address, so nobody can map the network."""
    return ItemFailure(
        FailureReason.FORBIDDEN_ADDRESS,
        "the host's address is not public and not in the allow list",
    )
