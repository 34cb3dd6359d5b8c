"""Circuit breakers for hosts that do not respond; see `workers.circuit_breaker`.

After several connection failures or timeouts in a row, a host is left alone for increasingly long pauses. After each pause
one picture probes the host. The host's other pictures wait briefly, which is long enough if the host has recovered, and
fail as transient if it has not. Hosts without failures cost nothing.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from vitrine.core.types import FailureReason, ItemFailure
from workers.circuit_breaker import BreakerPolicy, CircuitBreaker, RandomSource

TERMS = BreakerPolicy(opens_after=8, first_pause=24.0, longest_pause=48.0, probe=60.0)
"""Eight failures in a row are not chance, even if a quarter of a host's pictures never end. The shortest pause, half of the
first, is longer than a picture may wait within its chunk (`workers.ingest.retries.LONGEST_RETRY_NOW`), so no chunk is held up."""
PROBE_GRACE = 1.0
"""Seconds that a host's other pictures wait for its probe."""
MAX_HOSTS = 10_000
"""Failing hosts that are remembered; beyond this number, the least recently failed one is forgotten."""

COUNTS = frozenset({FailureReason.CONNECTION_FAILED, FailureReason.TIMEOUT})
"""Only these count: a host that returns any response, even a 500, is up."""


@dataclass(slots=True)
class _Host:
    breaker: CircuitBreaker
    reason: FailureReason = FailureReason.CONNECTION_FAILED


class HostBreakers:
    """The breakers of all hosts (`host:port`). Not thread-safe; `clock` returns monotonic seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        terms: BreakerPolicy = TERMS,
        chance: RandomSource = random.uniform,
    ) -> None:
        self._clock = clock
        self._terms = terms
        self._chance = chance
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._probed: set[str] = set()

    def __len__(self) -> int:
        return len(self._hosts)

    def remaining(self, host: str) -> float:
        """Return for how many seconds at most a picture that is not refused waits for the host's probe."""
        known = self._hosts.get(host)
        return 0.0 if known is None else _until_late(known)

    def refusal(self, host: str) -> ItemFailure | None:
        """Return the failure of a picture that should not wait for the host; None if it may be requested or may wait."""
        known = self._hosts.get(host)
        if known is None or not known.breaker.remaining() or _until_late(known):
            return None
        probing = known.breaker.probing_for() is not None
        shortest = self._terms.first_pause / 2
        left = shortest if probing else max(shortest, known.breaker.remaining())
        detail = f"{host} failed {known.breaker.failures} times in a row and is left alone for {left:.0f} s"
        return ItemFailure(known.reason, detail, retry_after=left)

    def begin(self, host: str) -> None:
        """Record that a request to the host begins."""
        known = self._hosts.get(host)
        if known is not None and known.breaker.open:
            known.breaker.begin()
            self._probed.add(host)

    def late(self) -> list[str]:
        """Return the hosts whose probe has become late since the last call; their pictures no longer wait."""
        late = [host for host in self._probed if not self.remaining(host)]
        self._probed.difference_update(late)
        return late

    def ended(self, host: str, failure: ItemFailure | None) -> bool:
        """Record the end of a request. Return whether waiting pictures are affected: it opened the breaker or was its probe."""
        known = self._hosts.pop(host, None)
        was_open = known is not None and known.breaker.open
        if failure is None or failure.reason not in COUNTS:
            self._probed.discard(host)
            return was_open
        known = known or _Host(CircuitBreaker(self._terms, clock=self._clock, chance=self._chance))
        known.reason = failure.reason
        probed = known.breaker.probing_for() is not None
        opened = known.breaker.failed()
        self._remember(host, known)
        return opened or probed

    def _remember(self, host: str, known: _Host) -> None:
        self._hosts[host] = known
        if len(self._hosts) > MAX_HOSTS:
            self._probed.discard(self._hosts.popitem(last=False)[0])


def _until_late(known: _Host) -> float:
    probing = known.breaker.probing_for()
    return 0.0 if probing is None else max(0.0, PROBE_GRACE - probing)
