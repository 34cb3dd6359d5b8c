"""Times of single questions, as percentiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

WARM_UP = 3
"""Questions that are asked before the clock counts: connections are made, files come into memory."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, and of how many questions."""

    p50: float
    p95: float
    p99: float
    questions: int

    def as_json(self) -> dict[str, Any]:
        """Milliseconds to a hundredth."""
        return {
            "p50_ms": round(self.p50, 2),
            "p95_ms": round(self.p95, 2),
            "p99_ms": round(self.p99, 2),
            "questions": self.questions,
        }


def measure_latency(ask: Callable[[T], object], questions: Iterable[T]) -> Latency | None:
    """Ask one after the other; None where nothing is left after the warm-up."""
    took: list[float] = []
    for question in questions:
        start = time.perf_counter()
        ask(question)
        took.append(1000.0 * (time.perf_counter() - start))
    if len(took) <= WARM_UP:
        return None
    p50, p95, p99 = np.percentile(took[WARM_UP:], (50, 95, 99))
    return Latency(float(p50), float(p95), float(p99), len(took) - WARM_UP)
