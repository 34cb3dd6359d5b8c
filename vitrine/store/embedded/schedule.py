"""When the embedded store builds a collection's HNSW graph: the rules, without the building.

A shard is *due* when enough of its points are in no graph, and either somebody said that the load is over
or upserts have paused for a while. A deferral holds a build off, and lapses when it is not said again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from vitrine.core.store_options import StoreOptions
from vitrine.store.base import IndexState
from vitrine.store.embedded.generation import EmbeddedGeneration

QUIET_SECONDS = 10.0  #: Without upserts before a build starts that nobody asked for.
DEFER_SECONDS = 60.0
"""How long a deferral holds: its workers may all be dead, and the store goes on without them."""
FAILED_SECONDS = (
    600.0  #: Until a build that failed is tried again: each try copies the whole shard.
)
BUILD_SHARE = 0.1
"""Of all points that may be in no graph without a build being worth it: every build copies the whole shard."""


@dataclass(slots=True)
class _BuildState:
    """What is known of one shard; times are monotonic seconds."""

    written_at: float = float("-inf")
    deferred_until: float = float("-inf")
    not_before: float = float("-inf")
    wanted: bool = False
    at_build: tuple[int, int] = (0, 0)  #: Points and indexed ones when the last build began.
    left: int = 0  #: Points that the last build left out: the engine does not think them worth it.


class BuildSchedule:
    """The plans of all shards; safe from several threads."""

    def __init__(self, options: StoreOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._plans: WeakKeyDictionary[EmbeddedGeneration, _BuildState] = WeakKeyDictionary()

    def written(self, shard: EmbeddedGeneration) -> None:
        """Points came in."""
        self._plan(shard).written_at = self._clock()

    def defer(self, shard: EmbeddedGeneration) -> None:
        """Build nothing for a while."""
        plan = self._plan(shard)
        plan.deferred_until, plan.wanted = self._clock() + DEFER_SECONDS, False

    def want(self, shard: EmbeddedGeneration) -> None:
        """Build what is worth it, without waiting for a pause."""
        plan = self._plan(shard)
        plan.deferred_until, plan.wanted = float("-inf"), True

    def begun(self, shard: EmbeddedGeneration) -> None:
        """A build begins; what is wanted from here on is wanted after it."""
        plan = self._plan(shard)
        plan.wanted, plan.at_build = False, shard.progress()

    def ended(self, shard: EmbeddedGeneration, *, built: bool) -> None:
        """A build ended, well or not."""
        plan = self._plan(shard)
        if not built:
            plan.not_before = self._clock() + FAILED_SECONDS
            return
        points, indexed = plan.at_build
        plan.left = 0 if shard.progress()[1] > indexed else points - indexed

    def due(self, shard: EmbeddedGeneration) -> bool:
        """Whether to build now."""
        plan, now = self._plan(shard), self._clock()
        if now < plan.deferred_until or now < plan.not_before:
            return False
        if not self._worth(plan, *shard.progress()):
            plan.wanted = False
            return False
        return plan.wanted or (now - plan.written_at >= QUIET_SECONDS and not shard.dirty)

    def deferred(self, shard: EmbeddedGeneration) -> bool:
        """Whether a deferral holds."""
        return self._clock() < self._plan(shard).deferred_until

    def state(self, shard: EmbeddedGeneration) -> IndexState:
        """How far the shard's graph is."""
        plan = self._plan(shard)
        points, indexed = shard.progress()
        deferred = self.deferred(shard)
        green = not deferred and not self._worth(plan, points, indexed)
        return IndexState(points, indexed, deferred, green)

    def _worth(self, plan: _BuildState, points: int, indexed: int) -> bool:
        enough = max(self._options.index_points, int(BUILD_SHARE * points))
        return points - indexed >= enough + plan.left

    def _plan(self, shard: EmbeddedGeneration) -> _BuildState:
        with self._lock:
            return self._plans.setdefault(shard, _BuildState())
