"""Rules for when the embedded store builds a collection's HNSW graph. They do not build it.

A shard is *due* if enough of its points are in no graph, and either a caller has said that the load is over
or upserts have paused for a while. A deferral postpones the build and expires unless it is renewed.
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

QUIET_SECONDS = 10.0  #: Time without upserts before a build starts unrequested.
DEFER_SECONDS = 60.0
"""Duration of a deferral. It expires because the workers that set it may all be dead."""
FAILED_SECONDS = (
    600.0  #: Delay before a failed build is retried: each attempt copies the whole shard.
)
BUILD_SHARE = 0.1
"""Share of all points that may be in no graph before a build is worth it: every build copies the whole shard."""


@dataclass(slots=True)
class _BuildState:
    """The build state of one shard. Times are monotonic seconds."""

    written_at: float = float("-inf")
    deferred_until: float = float("-inf")
    not_before: float = float("-inf")
    wanted: bool = False
    at_build: tuple[int, int] = (0, 0)  #: Total and indexed points when the last build began.
    left: int = 0  #: Points that the last build left out: the engine found them not worth it.


class BuildSchedule:
    """Build states of all shards. Safe to call from several threads."""

    def __init__(self, options: StoreOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._plans: WeakKeyDictionary[EmbeddedGeneration, _BuildState] = WeakKeyDictionary()

    def written(self, shard: EmbeddedGeneration) -> None:
        """Record an upsert."""
        self._plan(shard).written_at = self._clock()

    def defer(self, shard: EmbeddedGeneration) -> None:
        """Postpone builds of this shard for `DEFER_SECONDS`."""
        plan = self._plan(shard)
        plan.deferred_until, plan.wanted = self._clock() + DEFER_SECONDS, False

    def want(self, shard: EmbeddedGeneration) -> None:
        """Request a build without waiting for a pause, if enough points are unindexed."""
        plan = self._plan(shard)
        plan.deferred_until, plan.wanted = float("-inf"), True

    def begun(self, shard: EmbeddedGeneration) -> None:
        """Record the start of a build. A request made from now on causes another build."""
        plan = self._plan(shard)
        plan.wanted, plan.at_build = False, shard.progress()

    def ended(self, shard: EmbeddedGeneration, *, built: bool) -> None:
        """Record the end of a build, successful or not."""
        plan = self._plan(shard)
        if not built:
            plan.not_before = self._clock() + FAILED_SECONDS
            return
        points, indexed = plan.at_build
        plan.left = 0 if shard.progress()[1] > indexed else points - indexed

    def due(self, shard: EmbeddedGeneration) -> bool:
        """Return whether to build now."""
        plan, now = self._plan(shard), self._clock()
        if now < plan.deferred_until or now < plan.not_before:
            return False
        if not self._worth(plan, *shard.progress()):
            plan.wanted = False
            return False
        return plan.wanted or (now - plan.written_at >= QUIET_SECONDS and not shard.dirty)

    def deferred(self, shard: EmbeddedGeneration) -> bool:
        """Return whether a deferral is active."""
        return self._clock() < self._plan(shard).deferred_until

    def state(self, shard: EmbeddedGeneration) -> IndexState:
        """Return the progress of the shard's graph."""
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
