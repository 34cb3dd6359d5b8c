"""Counts of Open Inference Protocol requests by model, in this API process."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from api.dialects.oip.schemas import Duration, InferenceStatistics, ModelStatistics

VERSION = "1"
"""The only version under which a model is served; its revision is in its configuration."""


@dataclass(slots=True)
class _Counts:
    """The counts of one model; times in nanoseconds."""

    last: int = 0
    embedded: int = 0
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ns: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, what: str, ns: int) -> None:
        """Count one more, with its time."""
        self.counts[what] += 1
        self.ns[what] += ns

    def duration(self, what: str) -> Duration:
        """Return the count and the total time."""
        return Duration(count=self.counts.get(what, 0), ns=self.ns.get(what, 0))


class Lap:
    """A stopwatch for the parts of one request; `mark` ends the current part."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter_ns()
        self.parts: dict[str, int] = {}
        self.embedded = 0

    def mark(self, part: str) -> None:
        """Record the time of the part that ends now."""
        now = time.perf_counter_ns()
        self.parts[part] = now - self._last
        self._last = now

    def total(self) -> int:
        """Return the nanoseconds since the request started."""
        return time.perf_counter_ns() - self._began


class Statistics:
    """The counts of all models; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, _Counts] = defaultdict(_Counts)

    @contextmanager
    def request(self, model: str) -> Iterator[Lap]:
        """Count a request for the model, as failed if it raises."""
        lap = Lap()
        try:
            yield lap
        except BaseException:
            with self._lock:
                self._models[model].add("fail", lap.total())
            raise
        with self._lock:
            counts = self._models[model]
            counts.add("success", lap.total())
            counts.embedded += lap.embedded
            counts.last = time.time_ns() // 1_000_000
            for part, ns in lap.parts.items():
                counts.add(part, ns)

    def of(self, model: str, shown: str) -> ModelStatistics:
        """Return the model's counts so far, under the name `shown`."""
        with self._lock:
            counts = self._models.get(model, _Counts())
            return ModelStatistics(
                name=shown,
                version=VERSION,
                last_inference=counts.last,
                inference_count=counts.embedded,
                execution_count=counts.counts.get("success", 0),
                inference_stats=InferenceStatistics(
                    **{name: counts.duration(name) for name in InferenceStatistics.model_fields}
                ),
            )
