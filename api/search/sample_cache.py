"""A cache of samples of collections, drawn when a search first needs one; drawing takes tens of milliseconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from vitrine.similarity.score_baseline import SAMPLE_SIZE, ScoreBaseline
from vitrine.store import EmbeddingSpace, VectorStore

KEPT = 16
"""Samples in the cache, the most recently used: 5 MB each at 1,152 dimensions."""
KEPT_SECONDS = 300.0
"""A catalog's overall look changes slowly."""
GROWING_SECONDS = 10.0
"""For a collection with fewer points than a sample: it is small, or is being loaded for the first time."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    background: ScoreBaseline
    until: float  #: Monotonic seconds.


class SampleCache:
    """A thread-safe cache of samples; two threads that miss the same sample both draw it."""

    def __init__(self, store: VectorStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._drawn: OrderedDict[tuple[str, EmbeddingSpace], _Drawn] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, name: str, space: EmbeddingSpace) -> ScoreBaseline:
        """Return the collection's background; raise `NotFound` and `StoreUnavailable` like the store."""
        now = self._clock()
        with self._lock:
            kept = self._drawn.get((name, space))
            if kept is not None and now < kept.until:
                self._drawn.move_to_end((name, space))
                return kept.background
        drawn = ScoreBaseline(self._store.sample(name, SAMPLE_SIZE))
        self._keep((name, space), drawn, now)
        return drawn

    def _keep(self, key: tuple[str, EmbeddingSpace], drawn: ScoreBaseline, now: float) -> None:
        seconds = KEPT_SECONDS if len(drawn) == SAMPLE_SIZE else GROWING_SECONDS
        with self._lock:
            self._drawn[key] = _Drawn(drawn, now + seconds)
            self._drawn.move_to_end(key)
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
