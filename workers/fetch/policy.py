"""What fetching may do: limits of time, size and number, and whom it may talk to.

Made once from the settings by the composition root, then only read, from every thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vitrine.core.errors import BadInput
from vitrine.core.settings import MEBIBYTE, Settings
from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch.address import Address, is_public
from workers.fetch.allow_list import AllowList
from workers.fetch.url import Target, bad_url

WEB_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """The limits of one fetcher. Times in seconds, sizes in bytes."""

    timeout: float = 10.0
    """For one picture, all redirects together, while it is being fetched; waiting for a turn is not counted."""
    connect_timeout: float = 5.0
    max_bytes: int = 20 * MEBIBYTE
    max_redirects: int = 3
    concurrency: int = 64
    """Transfers at once; each is a socket and a curl handle."""
    per_host: int = 32
    """Transfers at once with one `host:port`."""
    patience: float = 5.0
    """How long a picture waits for a host that asked to be left alone before it is given back as rate limited."""
    budget_bytes: int = 256 * MEBIBYTE
    """Bytes of pictures held from their first one received to the end of their decoding. Where only transfers hold any,
    the oldest may go past it, by `max_bytes` at the most."""
    allow: AllowList = field(default_factory=AllowList)
    files: bool = False

    def __post_init__(self) -> None:
        if min(self.concurrency, self.per_host, self.max_bytes, self.budget_bytes) < 1:
            raise BadInput("Fetching needs limits of at least one transfer and one byte.")

    @classmethod
    def from_settings(cls, settings: Settings) -> FetchPolicy:
        """The policy that the settings describe; raises `BadInput` for an allow list that cannot be read.

        One host gets half of the slots: enough to fill a device from the one CDN that most catalogs
        live on, and a host that hangs can never take the last slot from the others.
        """
        return cls(
            timeout=settings.fetch_timeout,
            connect_timeout=settings.fetch_connect_timeout,
            max_bytes=settings.fetch_max_bytes,
            max_redirects=settings.fetch_max_redirects,
            concurrency=settings.fetch_concurrency,
            per_host=max(1, settings.fetch_concurrency // 2),
            budget_bytes=settings.fetch_memory_bytes,
            allow=AllowList.parse(settings.fetch_allow),
            files=settings.fetch_files,
        )

    def check(self, target: Target) -> None:
        """Refuse what the URL alone gives away; a name's addresses are judged when they are connected to.

        Ports below 1024 other than 80 and 443 belong to other protocols (mail, SSH, printers) that
        could be made to act on what looks like a request. High ports are where picture servers live
        too, and on a public address they reach nothing that the sender could not reach alone.
        """
        trusted_port = target.port in WEB_PORTS or target.port >= FIRST_FREE_PORT
        if not trusted_port and not self.allow.names_port(target.host, target.port):
            raise bad_url(f"port {target.port} is not one that pictures are served on")
        if target.address is not None and not self.admits(target, target.address):
            raise forbidden()

    def admits(self, target: Target, address: Address) -> bool:
        """Whether a request for the target may be sent to this address."""
        return (
            is_public(address)
            or self.allow.names(target.host, target.port)
            or self.allow.covers(address)
        )


def forbidden() -> ItemFailure:
    """The failure of a URL that leads inside; it does not say where to, so that nobody can map the inside."""
    return ItemFailure(
        FailureReason.FORBIDDEN_ADDRESS,
        "the host's address is not public and not in the allow list",
    )
