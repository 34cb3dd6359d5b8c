"""Which hosts do not answer at all, and until when each is left alone; see `workers.circuit_breaker`.

A host whose connections fail, or time out, some times in a row is left alone for a growing while. Then one picture is its
probe; the others of that host wait for a moment, which is enough for a host that is well, and are given
back if it is not. Hosts without trouble cost nothing here.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from vitrine.core.types import FailureReason, ItemFailure
from workers.circuit_breaker import BreakerPolicy, CircuitBreaker, RandomSource

TERMS = BreakerPolicy(opens_after=8, first_pause=24.0, longest_pause=48.0, probe=60.0)
"""Eight in a row are no chance, even where a quarter of a host's pictures is endless. The shortest pause, half of the first,
is longer than a picture waits within its chunk (`workers.ingest.retries.LONGEST_RETRY_NOW`): nobody's chunk is held up."""
PROBE_GRACE = 1.0
"""Seconds that pictures of the host wait for its probe."""
MAX_HOSTS = 10_000
"""Hosts in trouble that are remembered; of more, the one that was not asked for the longest time is forgotten."""

COUNTS = frozenset({FailureReason.CONNECTION_FAILED, FailureReason.TIMEOUT})
"""Whoever answers anything, a 500 included, is there."""


@dataclass(slots=True)
class _Host:
    breaker: CircuitBreaker
    reason: FailureReason = FailureReason.CONNECTION_FAILED


class HostBreakers:
    """The breakers of all hosts (`host:port`). For one thread; `clock` is monotonic seconds."""

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
        """Seconds that a picture which may wait (`refusal`) waits for its turn at most: for the host's probe."""
        known = self._hosts.get(host)
        return 0.0 if known is None else _until_late(known)

    def refusal(self, host: str) -> ItemFailure | None:
        """The failure of a picture that is not to wait for the host; None where it may be asked for, or wait."""
        known = self._hosts.get(host)
        if known is None or not known.breaker.remaining() or _until_late(known):
            return None
        probing = known.breaker.probing_for() is not None
        shortest = self._terms.first_pause / 2
        left = shortest if probing else max(shortest, known.breaker.remaining())
        detail = f"{host} failed {known.breaker.failures} times in a row and is left alone for {left:.0f} s"
        return ItemFailure(known.reason, detail, retry_after=left)

    def begin(self, host: str) -> None:
        """A picture of the host is asked for."""
        known = self._hosts.get(host)
        if known is not None and known.breaker.open:
            known.breaker.begin()
            self._probed.add(host)

    def late(self) -> list[str]:
        """Hosts whose probe has become late since the last look: nobody waits for them any more."""
        late = [host for host in self._probed if not self.remaining(host)]
        self._probed.difference_update(late)
        return late

    def ended(self, host: str, failure: ItemFailure | None) -> bool:
        """A picture of the host has ended. Returns whether others may wait for this: it opened the breaker or was its probe."""
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
