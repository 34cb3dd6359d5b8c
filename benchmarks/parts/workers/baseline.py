"""A baseline's Celery worker under measurement: messages are queued in advance, outcomes are counted in Redis.

Sending one message per picture takes as long as embedding it, so a run's messages are first sent to a queue with a
different name, which is then renamed to the one that the worker consumes.
"""

from __future__ import annotations

import contextlib
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from celery import Celery

from benchmarks.baselines.queueing import READY_KEY
from benchmarks.baselines.workshop import DONE_KEY, SPACE
from benchmarks.parts.process import Process, running
from benchmarks.parts.surroundings import Surroundings
from benchmarks.parts.turn import Turn, timed_turn
from vitrine.core.load_settings import load
from vitrine.core.redis_client import connect_redis
from vitrine.messaging.broker import BROKER_PREFIX, celery_settings


@dataclass(frozen=True)
class Baseline:
    """One baseline, see `benchmarks.baselines`."""

    name: str
    module: str  #: The task is named after its last part, as in `bench.LAST`.
    pool: str  #: Celery's pool: `solo` or `threads`.
    concurrency: int
    whole_chunks: bool  #: Whether a message is a chunk; otherwise it is a picture.
    python: Path = Path(sys.executable)
    variant: str = ""  #: Suffix of the task's name, if the module has several tasks.

    @property
    def queue(self) -> str:
        """The name of its queue."""
        return f"bench.{self.name}"

    @property
    def task(self) -> str:
        """The name of its task."""
        return f"bench.{self.module.rpartition('.')[2]}{self.variant}"


class BaselineWorker:
    """A running baseline, created by `baseline_worker`."""

    def __init__(self, around: Surroundings, baseline: Baseline, process: Process) -> None:
        self.name = baseline.name
        self.process = process
        self._around = around
        self._baseline = baseline
        self._redis = connect_redis(around.redis_url)
        self._app = Celery("bench", set_as_current=False)
        self._app.conf.update(celery_settings(load(redis_url=around.redis_url)))

    def turn(self, chunks: Sequence[int]) -> Turn:
        """Queue these chunks, wait for the last picture, and delete the vectors."""
        collection = f"bench-{uuid.uuid4().hex}"
        with contextlib.closing(self._around.store()) as store:
            store.ensure(collection, SPACE)
            self._queue(collection, chunks)
            turn = timed_turn(lambda: self._done(collection), sum(chunks), self.process)
            store.delete(collection)
        return turn

    def close(self) -> None:
        """Close the connections."""
        self._app.close()
        self._redis.close()

    def _queue(self, collection: str, chunks: Sequence[int]) -> None:
        waiting = f"waiting.{collection}"
        with self._app.producer_pool.acquire(block=True) as producer:
            for arguments in self._messages(collection, chunks):
                self._app.send_task(
                    self._baseline.task, args=arguments, queue=waiting, producer=producer
                )
        self._redis.rename(BROKER_PREFIX + waiting, BROKER_PREFIX + self._baseline.queue)

    def _messages(self, collection: str, chunks: Sequence[int]) -> Iterator[list[object]]:
        numbers = iter(range(sum(chunks)))
        for size in chunks:
            chunk = list(islice(numbers, size))
            urls = [self._around.picture(number) for number in chunk]
            if self._baseline.whole_chunks:
                yield [collection, chunk, urls]
            else:
                yield from ([collection, *one] for one in zip(chunk, urls, strict=True))

    def _done(self, collection: str) -> int:
        return int(self._redis.get(f"{DONE_KEY}{collection}") or 0)


@contextmanager
def baseline_worker(
    around: Surroundings, baseline: Baseline, model: str
) -> Iterator[BaselineWorker]:
    """Run a baseline for the duration of the block."""
    command = [str(baseline.python), "-m", "celery", "-A", baseline.module, "worker"]
    command += ["--pool", baseline.pool, "--concurrency", str(baseline.concurrency)]
    command += ["--queues", baseline.queue, "--hostname", f"{baseline.name}@%h"]
    command += ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    with running(
        command,
        environment={**around.environment(), "VITRINE_MODEL": model},
        log=around.folder / f"{baseline.name}-{uuid.uuid4().hex}.log",
    ) as process:
        worker = BaselineWorker(around, baseline, process)
        try:
            with contextlib.closing(connect_redis(around.redis_url)) as redis:
                process.wait_for(lambda: bool(redis.sismember(READY_KEY, str(process.pid))))
            yield worker
        finally:
            worker.close()
