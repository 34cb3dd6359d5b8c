"""Latencies of single queries, as percentiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

WARM_UP = 3
"""Queries to run before timing starts, so that connections are open and files are in memory."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in milliseconds, and the number of queries."""

    p50: float
    p95: float
    p99: float
    questions: int

    def as_json(self) -> dict[str, Any]:
        """Return milliseconds rounded to 0.01 as JSON values."""
        return {
            "p50_ms": round(self.p50, 2),
            "p95_ms": round(self.p95, 2),
            "p99_ms": round(self.p99, 2),
            "questions": self.questions,
        }


def measure_latency(ask: Callable[[T], object], questions: Iterable[T]) -> Latency | None:
    """Run the queries one after another. Returns None if none is left after the warm-up."""
    took: list[float] = []
    for question in questions:
        start = time.perf_counter()
        ask(question)
        took.append(1000.0 * (time.perf_counter() - start))
    if len(took) <= WARM_UP:
        return None
    p50, p95, p99 = np.percentile(took[WARM_UP:], (50, 95, 99))
    return Latency(float(p50), float(p95), float(p99), len(took) - WARM_UP)
