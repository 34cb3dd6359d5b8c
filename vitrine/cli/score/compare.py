"""Comparison of one pair per request with many: how long each way takes for the same pairs, in alternating rounds.

Both ways request fresh vectors, so that neither benefits from earlier embeddings; the first round is not measured, to
warm up connections and the hosts' caches. The single client waits for each response, so this is what batching brings
to one client. Sixty concurrent clients get the same without batching, because workers batch across clients.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vitrine.cli.score.client import Scorer
from vitrine.cli.score.pairs import ScorePair

ROUNDS = 2


@dataclass(frozen=True, slots=True)
class TimedWay:
    """The times of one way, in seconds."""

    pairs: int
    rounds: tuple[float, ...]
    requests: tuple[float, ...]

    @property
    def pairs_per_second(self) -> float:
        """Mean rate over all rounds."""
        return self.pairs * len(self.rounds) / max(sum(self.rounds), 1e-9)

    def told(self) -> dict[str, Any]:
        """Return the times for JSON."""
        milliseconds = sorted(1000 * seconds for seconds in self.requests)
        at_95 = milliseconds[min(len(milliseconds) - 1, int(0.95 * len(milliseconds)))]
        return {
            "requests": len(milliseconds),
            "seconds": round(sum(self.rounds), 4),
            "pairs_per_second": round(self.pairs_per_second, 2),
            "request_ms_median": round(statistics.median(milliseconds), 2),
            "request_ms_p95": round(at_95, 2),
        }


def compare_ways(
    scorer: Scorer,
    pairs: Sequence[ScorePair],
    batch_size: int,
    *,
    begin: Callable[[str, int], None] = lambda _way, _round: None,
) -> dict[str, Any]:
    """Time both ways over sendable pairs, at least one; `begin` is called before each way and round."""
    ways: dict[str, list[list[float]]] = {"single": [], "batch": []}
    sizes = {"single": 1, "batch": batch_size}
    for number in range(ROUNDS + 1):
        for name, times in ways.items():
            begin(name, number)
            taken = _round(scorer, pairs, sizes[name])
            if number:
                times.append(taken)
    single, batch = (_way(len(pairs), times) for times in ways.values())
    return {
        "pairs": len(pairs),
        "rounds": ROUNDS,
        "batch_size": batch_size,
        "single": single.told(),
        "batch": batch.told(),
        "speedup": round(batch.pairs_per_second / single.pairs_per_second, 2),
    }


def _way(pairs: int, times: list[list[float]]) -> TimedWay:
    requests = tuple(seconds for one in times for seconds in one)
    return TimedWay(pairs, tuple(sum(one) for one in times), requests)


def _round(scorer: Scorer, pairs: Sequence[ScorePair], size: int) -> list[float]:
    taken = []
    for first in range(0, len(pairs), size):
        began = time.perf_counter()
        scorer(pairs[first : first + size], fresh=True)
        taken.append(time.perf_counter() - began)
    return taken
