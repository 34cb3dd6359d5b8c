"""Defers a collection's vector index during bulk loads, and completes bulk jobs once the index is built.

Every worker runs this, but only one at a time acts. No state is kept between rounds: the jobs are in the
ledger, a deferral is in the store, and each round aligns the store with the ledger. So any or all workers may
die at any moment, and the next round of any worker continues.

A collection is *loaded* while at least `index_points` pictures are pending for it, whoever submitted them: its
index is deferred, if `index_deferred` is set. The index is built as soon as at most a tenth of that is pending,
because the rest may be pictures deferred for a slow host. So several jobs of one collection share one build,
after the last bulk load.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from redis import Redis

from vitrine.core.errors import LedgerUnavailable, NotFound, VitrineError
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import JobState, JobStatus
from vitrine.ledger import Ledger
from vitrine.store.base import IndexState, VectorStore
from workers.maintenance.leader_lock import try_acquire
from workers.maintenance.periodic import Periodic

log = logging.getLogger(__name__)

LOCK_KEY = "vitrine:index-keeper"
LEFT_BEHIND_KEY = "vitrine:index-left-behind"
LEFT_BEHIND_SECONDS = 60.0
"""Seconds between searches for deferrals that no job needs any more: of cancelled jobs, or after Redis lost its data."""
TAIL = 0.1  #: Share of `index_points`: this many pending pictures do not delay the index.


class IndexDeferral:
    """Maintains the indexes of all active jobs' collections, every few seconds."""

    def __init__(
        self,
        ledger: Ledger,
        store: VectorStore,
        redis: Redis,
        *,
        every: float,
        options: StoreOptions,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._redis = redis
        self._every = every
        self._options = options
        self._rounds = Periodic("the check of the indexes", every, self.keep)

    def start(self) -> None:
        """Start the rounds."""
        self._rounds.start()

    def close(self) -> None:
        """Stop the rounds."""
        self._rounds.close()

    def keep(self) -> None:
        """Run one round, unless another worker ran one recently."""
        if not try_acquire(self._redis, LOCK_KEY, self._every):
            return
        jobs = self._active()
        waiting = Counter[str]()
        for job in jobs:
            waiting[job.spec.collection] += job.pending if _feeds(job) else 0
        for collection, pictures in waiting.items():
            mine = [job for job in jobs if job.spec.collection == collection]
            self._tend(collection, pictures, [job for job in mine if _waits(job)])
        if try_acquire(self._redis, LEFT_BEHIND_KEY, LEFT_BEHIND_SECONDS):
            self._end_left_behind(waiting)

    def _active(self) -> list[JobStatus]:
        found: list[JobStatus] = []
        for job in self._ledger.active_jobs():
            try:
                found.append(self._ledger.status(job))
            except NotFound:
                log.debug("job %s was deleted meanwhile", job)
        return found

    def _tend(self, collection: str, pictures: int, jobs: Sequence[JobStatus]) -> None:
        """Align one collection with the ledger; if the store is unreachable, the next round tries again."""
        try:
            state = self._align(collection, pictures, wanted=bool(jobs))
        except NotFound:
            # The collection does not exist yet or was deleted, so there is nothing to wait for.
            for job in jobs:
                self._complete(job)
            return
        except LedgerUnavailable:
            raise
        except VitrineError as error:
            log.warning("the index of %s will be checked later: %s", collection, error)
            return
        for job in jobs:
            self._settle(job, state)

    def _align(self, collection: str, pictures: int, *, wanted: bool) -> IndexState:
        if self._options.index_deferred and pictures >= self._options.index_points:
            self._store.defer_index(collection)
            return self._store.index_state(collection)
        state = self._store.index_state(collection)
        loaded = self._options.index_deferred and pictures > TAIL * self._options.index_points
        if not loaded and (state.deferred or (wanted and not state.green)):
            self._store.build_index(collection)
        elif state.deferred:
            self._store.defer_index(collection)  # Renew it: a store may forget a deferral.
        return state

    def _settle(self, job: JobStatus, state: IndexState) -> None:
        """Complete a waiting job once its index is built, or has made no progress for too long."""
        name = job.spec.id
        if state.green:
            self._complete(job)
            log.info("job %s: the index holds %d of %d points", name, state.indexed, state.points)
            return
        still = self._ledger.record_index_progress(name, indexed=state.indexed, points=state.points)
        if still >= self._options.index_timeout:
            self._complete(job)
            log.warning(
                "job %s is finished without its index, which covers %d of %d points of %s since %.0f s: "
                "searches compare the other points one by one until it is built",
                name, state.indexed, state.points, job.spec.collection, still,
            )  # fmt: skip

    def _complete(self, job: JobStatus) -> None:
        with suppress(NotFound):  # expired meanwhile
            self._ledger.complete(job.spec.id)

    def _end_left_behind(self, tended: Counter[str]) -> None:
        try:
            for collection in self._store.deferred():
                if collection not in tended:
                    self._store.build_index(collection)
                    log.info(
                        "the index of %s is being built: no job is loading it any more", collection
                    )
        except LedgerUnavailable:
            raise
        except VitrineError as error:
            log.warning("deferred indexes will be checked later: %s", error)


def _feeds(job: JobStatus) -> bool:
    return job.state in {JobState.OPEN, JobState.RUNNING}


def _waits(job: JobStatus) -> bool:
    return job.state is JobState.INDEXING
