"""The composition root of a worker process: opens its parts in order and closes them in reverse order.

A worker stops in this order. First it starts nothing new (`stopping`). Running tasks go on to their next safe point and
write their outcomes, for which they need the leases, the store and the ledger. Then the parts close: the periodic
threads, the lease keeper among them, then the stages, and the store, the ledger and Redis last.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vitrine.core.errors import BadInput, VitrineError
from vitrine.core.redis_client import connect_redis
from vitrine.core.settings import Settings
from vitrine.core.store_options import StoreOptions
from vitrine.core.types import SCHEMA_VERSION
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.broker import Publisher
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.store.open import open_store
from vitrine.store.timed import timed_store
from vitrine.telemetry.open import open_traces
from workers.batching import Batcher
from workers.batching.batch_size_store import BatchSizeStore
from workers.batching.warm_up import UNTRIED_BATCH, warm_up
from workers.dead_letters import DeadLetters
from workers.fetch import Fetcher, FetchPolicy
from workers.image_decoder import decoder_for
from workers.images.pillow_decode import prepare_pillow
from workers.ingest.chunk_worker import ChunkWorker, Report
from workers.ingest.leases import LeaseKeeper
from workers.ingest.retries import RetryPolicy
from workers.ingest.retry_ledger import LedgerRetry
from workers.ingest.store_breaker import StoreBreaker
from workers.ingest.upsert import ChunkStore
from workers.maintenance.heartbeat import Heartbeat
from workers.maintenance.index_deferral import IndexDeferral
from workers.maintenance.sweeper import Sweeper
from workers.maintenance.watchdog import Watchdog
from workers.metrics import WorkerMetrics
from workers.metrics.cache_metrics import watch_cache
from workers.metrics.timed_stages import TimedDecodePool, TimedSource
from workers.metrics.wiring import ObservedParts, wire_metrics
from workers.models.base import ScoresTexts
from workers.models.factory import open_model
from workers.models.threads import single_threaded
from workers.query.worker import QueryWorker
from workers.stages import Stages
from workers.vector_cache.deduplicating import open_deduplicating_cache

if TYPE_CHECKING:
    from workers.models.base import EmbeddingModel

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0005
"""How soon a thread releases the GIL when another one wants it. With Python's default of 5 ms, the device's thread could
wait that long between two batches. Chosen for that reason: `benchmarks.gil` on two busy cores showed no difference
between values."""
DRAIN_SECONDS = 60.0
"""Ample for a batch, an upsert and a ledger write; the stop grace period of a container is 90 s."""


@dataclass
class WorkerRuntime:
    """The parts of a running worker."""

    settings: Settings
    model: EmbeddingModel
    chunks: ChunkWorker
    queries: QueryWorker
    dead_letters: DeadLetters
    batcher: Batcher
    metrics: WorkerMetrics
    info: WorkerInfo
    _stopping: threading.Event
    _closers: ExitStack
    _running: int = 0
    _idle: threading.Condition = field(default_factory=threading.Condition)

    def ingest(self, *message: object) -> Report:
        """Run the chunk task; the message is schema version, job, chunk. Raises `NotDeadLettered` if it was neither done nor stored."""
        with self._task(), self.metrics.chunk() as report:
            match message:
                case (int(schema), str(job), int(number)) if schema == SCHEMA_VERSION:
                    report.update(self.chunks.ingest(job, number))
                case _:
                    report["parked"] = self.dead_letters.patiently("chunk", message)
            return report

    def query(self, *message: object) -> Report:
        """Run the query task; the message is schema version, request. A query of another form is dead-lettered.

        If Redis cannot store it, it is dropped, because its client will have given up by then.
        """
        with self._task():
            match message:
                case (int(schema), str(request)) if schema == SCHEMA_VERSION:
                    began = time.perf_counter()
                    report: Report = dict(self.queries.answer(request))
                    self.metrics.query_done(report, time.perf_counter() - began)
                    return report
            return {"parked": self.dead_letters.misunderstood("query", message)}

    def store_dead_letter(self, message: str) -> None:
        """Store a message that is not a task, and count it; raises `LedgerUnavailable`."""
        self.dead_letters.unreadable(message)
        self.metrics.chunks.labels("parked").inc()

    @contextmanager
    def _task(self) -> Iterator[None]:
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def stop_soon(self) -> None:
        """Start nothing new, and let running tasks stop at their next safe point."""
        self._stopping.set()

    def close(self) -> None:
        """Wait for running tasks, then close; safe to call twice."""
        self.stop_soon()
        with self._idle:
            drained = self._idle.wait_for(lambda: self._running == 0, DRAIN_SECONDS)
        if not drained:
            log.error("%d tasks did not end in %.0f s", self._running, DRAIN_SECONDS)
        self._closers.close()


def open_runtime(settings: Settings, node: str) -> WorkerRuntime:
    """Load the model, warm it up and start the stages; raises `VitrineError`."""
    with ExitStack() as closers:
        engine = _open(settings, node, closers)
        engine._closers = closers.pop_all()  # noqa: SLF001 - the runtime closes the parts from now on
        return engine


def _open(settings: Settings, node: str, closers: ExitStack) -> WorkerRuntime:
    prepare_pillow()
    sys.setswitchinterval(SWITCH_SECONDS)
    started = time.monotonic()
    stopping = threading.Event()
    url = settings.redis_url.get_secret_value()
    redis = connect_redis(url)
    closers.callback(redis.close)
    ledger = RedisLedger.from_settings(settings)
    closers.callback(ledger.close)
    ledger.ping()
    traces = open_traces(settings, "worker")
    closers.callback(traces.close)
    metrics = WorkerMetrics()
    store = timed_store(open_store(settings), metrics.store_called)
    closers.callback(store.close)
    model = open_model(
        settings.model,
        device=settings.device,
        preprocess=settings.preprocess,
        compiling=settings.compile,
    )
    batch_size = settings.batch_size or UNTRIED_BATCH
    batcher = Batcher(model, size=batch_size, wait=settings.batch_wait_ms / 1000)
    policy = FetchPolicy.from_settings(settings)
    fetcher = Fetcher(policy)
    decoders = TimedDecodePool(
        settings.decode_threads,
        budget=settings.decode_memory_bytes,
        begin_thread=single_threaded,
        metrics=metrics,
    )
    source = TimedSource(fetcher, metrics)
    decoder, reuse = decoder_for(model, settings), open_deduplicating_cache(settings)
    stages = Stages(model, source, decoders, batcher, decoder, reuse)
    metrics.watch_batches(batcher.stats)
    watch_cache(metrics.registry, reuse)
    watchdog = Watchdog(
        lambda: batcher.batch_began,
        hung_after=settings.device_timeout,
        device_alive=batcher.alive,
    )
    # Registered before the stages, so closed after them: if a batch hangs while they close, the watchdog still ends the process.
    closers.callback(watchdog.close)
    closers.callback(stages.close)
    keeper = LeaseKeeper(ledger, seconds=settings.lease_seconds)
    publisher = Publisher(settings)
    closers.callback(publisher.close)
    sweeper = Sweeper(
        ledger, redis, publisher, every=settings.sweep_seconds, grace=settings.lease_seconds
    )
    index_keeper = IndexDeferral(
        ledger,
        store,
        redis,
        every=settings.sweep_seconds,
        options=StoreOptions.from_settings(settings),
    )
    info = _info(model, stages.decoder.policy, node)
    breaker = StoreBreaker()
    beat = Heartbeat(redis, lambda: replace(info, store_away=breaker.away))
    batcher.start()
    remembered = BatchSizeStore(settings.data_dir)
    warm_up(model, batcher, batch_size=settings.batch_size, remembered=remembered)
    watchdog.start()
    observed = ObservedParts(metrics, batcher, fetcher, keeper, breaker)
    info = wire_metrics(observed, settings, redis, info, closers)
    for part in (keeper, sweeper, index_keeper, beat):
        part.start()
        closers.callback(part.close)
    log.info("%s is ready on %s after %.1f s", model.name, model.device, time.monotonic() - started)
    chunks = ChunkWorker(
        ledger=ledger,
        store=ChunkStore(store, stages.space, stopping=stopping.is_set, breaker=breaker),
        stages=stages,
        keeper=keeper,
        retries=RetryPolicy(settings.fetch_attempts, settings.fetch_deferrals),
        lease_seconds=settings.lease_seconds,
        window=settings.fetch_concurrency,
        fetch_files=settings.fetch_files,
        stopping=stopping.is_set,
        patience=LedgerRetry(stopping.is_set),
        traces=traces,
    )
    queries = QueryWorker(redis, stages)
    parking = DeadLetters(redis, stopping.is_set)
    return WorkerRuntime(
        settings, model, chunks, queries, parking, batcher, metrics, info, stopping, closers
    )


def _info(model: EmbeddingModel, policy: str, node: str) -> WorkerInfo:
    return WorkerInfo(
        node=node,
        model=model.name,
        revision=model.revision,
        policy=policy,
        dimension=model.dimension,
        device=model.device,
        supports_text=model.supports_text,
        pid=os.getpid(),
        started_at=time.time(),
        scoring=model.scoring if isinstance(model, ScoresTexts) else None,
    )


class RuntimeHolder:
    """Holds the process's `WorkerRuntime`, which the bootstep opens and the tasks use."""

    def __init__(self) -> None:
        self._engine: WorkerRuntime | None = None
        self.exit_code = 0  #: The exit code for the process.

    def open(self, settings: Settings, node: str) -> WorkerRuntime:
        """Open the runtime under this worker's Celery name; raises `VitrineError` if it is already open."""
        if self._engine is not None:
            raise VitrineError("This process already has a model: one process runs one model.")
        self._engine = open_runtime(settings, node)
        return self._engine

    def get(self) -> WorkerRuntime:
        """Return the runtime; raises `BadInput` if the worker was started without one."""
        if self._engine is None:
            raise BadInput(
                "This worker has no model.", hint="Start it with `vitrine worker --model NAME`."
            )
        return self._engine

    def stop_soon(self) -> None:
        """Tell the runtime that the process is about to stop."""
        if self._engine is not None:
            self._engine.stop_soon()

    def close(self) -> None:
        """Close the runtime if it is open; safe to call twice."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


holder = RuntimeHolder()
