"""The limits of fetching: time, size, number of transfers, and which hosts it may contact.

The composition root creates it once from the settings; after that, all threads only read it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from vitrine.core.errors import BadInput
from vitrine.core.settings import MEBIBYTE, Settings
from vitrine.net.address import Address
from vitrine.net.allow_list import AllowList
from vitrine.net.host_settings import Hosts
from vitrine.net.hosts_file import read_hosts
from vitrine.net.rules import AddressRules
from vitrine.net.url import Target


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """The limits of one fetcher. Times in seconds, sizes in bytes."""

    timeout: float = 10.0
    """For one picture, all redirects included, while its requests run; time in the queue does not count."""
    connect_timeout: float = 5.0
    max_bytes: int = 20 * MEBIBYTE
    max_redirects: int = 3
    concurrency: int = 64
    """Simultaneous transfers; each uses a socket and a curl handle."""
    per_host: int = 32
    """Simultaneous transfers per `host:port`."""
    patience: float = 5.0
    """How long a picture may wait for a host that sent Retry-After; if the pause is longer, it fails as rate limited."""
    budget_bytes: int = 256 * MEBIBYTE
    """Bytes of pictures held between the first byte received and the end of decoding. If only transfers hold bytes,
    the oldest may exceed this limit by at most `max_bytes`."""
    allow: AllowList = field(default_factory=AllowList)
    hosts: Hosts = field(default_factory=Hosts)
    """What the hosts file says about single hosts."""
    files: bool = False

    def __post_init__(self) -> None:
        if min(self.concurrency, self.per_host, self.max_bytes, self.budget_bytes) < 1:
            raise BadInput("Fetching needs limits of at least one transfer and one byte.")

    @classmethod
    def from_settings(cls, settings: Settings) -> FetchPolicy:
        """Create the policy from the settings; raises `BadInput` if the allow list or the hosts file is invalid.

        One host gets at most half of the slots. That is enough to keep a device busy from the single CDN
        that most catalogs use, and a hanging host can never take the last slot from the others.
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
            hosts=read_hosts(settings.hosts_file, os.environ),
            files=settings.fetch_files,
        )

    @property
    def rules(self) -> AddressRules:
        """What the pictures' hosts and addresses are judged by."""
        return AddressRules(self.allow)

    def check(self, target: Target) -> None:
        """Refuse a target for its port or literal address; a name's addresses are checked when curl connects."""
        self.rules.check(target)

    def admits(self, target: Target, address: Address) -> bool:
        """Return whether a request for the target may be sent to this address."""
        return self.rules.admits(target, address)
