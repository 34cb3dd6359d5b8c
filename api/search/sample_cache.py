"""Samples of collections, drawn when a search first needs one and kept for a while: a draw costs tens of milliseconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from vitrine.similarity.score_baseline import SAMPLE_SIZE, ScoreBaseline
from vitrine.store import EmbeddingSpace, VectorStore

KEPT = 16
"""Collections whose sample is kept, those used last: 5 MB each at 1,152 dimensions."""
KEPT_SECONDS = 300.0
"""What a catalog looks like changes slowly."""
GROWING_SECONDS = 10.0
"""Of a collection that has fewer points than a sample: it is small, or its first load is on."""


@dataclass(frozen=True, slots=True)
class _Drawn:
    background: ScoreBaseline
    until: float  #: Monotonic seconds.


class SampleCache:
    """Thread-safe; two threads that miss the same sample both draw it."""

    def __init__(self, store: VectorStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._drawn: OrderedDict[tuple[str, EmbeddingSpace], _Drawn] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, name: str, space: EmbeddingSpace) -> ScoreBaseline:
        """The collection's background; raises `NotFound` and `StoreUnavailable` as the store does."""
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
