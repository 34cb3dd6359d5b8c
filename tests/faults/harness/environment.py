"""The real environment of a fault: Redis, a store, workers as separate processes, and picture hosts.

The store is the embedded engine behind its own HTTP server, in this process, so that every upsert can be
counted: a second write is repeated work. Workers run the command that users run; dead ones are
restarted, as a supervisor would do.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from producer import Submission
from tests.e2e.standalone_process import environment
from tests.faults.harness.fork_server import Forked, Nursery
from tests.patience import PATIENCE
from vitrine.core.settings import Settings
from vitrine.core.types import CatalogItem, JobSpec, JobStatus, new_job_id
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.broker import Publisher
from vitrine.messaging.worker_registry import live_workers
from vitrine.standalone.private_redis import PrivateRedis
from vitrine.store.base import PointBatch
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.remote.server import StoreServer

TOKEN = "faults-" + "0" * 25
COLLECTION = "faults"
LEASE_SECONDS = 3.0
"""A tenth of the default, so that a suite can include many recoveries; the same holds for sweeps."""
SWEEP_SECONDS = 1.0


class CountingStore(EmbeddedStore):
    """The embedded engine, counting how often each point was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.written: Counter[str] = Counter()
        self.upserts: list[float] = []
        """When each ended, in Unix seconds."""

    def upsert(self, name: str, points: PointBatch) -> None:
        super().upsert(name, points)
        self.written.update(points.ids)
        self.upserts.append(time.time())


@dataclass
class Worker:
    """A worker process and its log."""

    process: subprocess.Popen[bytes] | Forked
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """Kill it with SIGKILL, as the kernel's OOM killer does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds until the end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        return code, time.monotonic() - began


@dataclass
class Rig:
    """The running parts; created by `rig`."""

    folder: Path
    redis: PrivateRedis
    store: CountingStore
    store_url: str
    allow: Sequence[str]
    redis_url: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    nursery: Nursery | None = None  #: Where workers come from; without one, each is a new process.
    workers: list[Worker] = field(default_factory=list)
    started: int = 0
    crashes: int = 0

    def settings(self) -> Settings:
        """Return the settings of a producer on this machine."""
        return Settings(redis_url=self.redis.url, data_dir=self.folder)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def ledger(self) -> Iterator[RedisLedger]:
        """Open the ledger, bypassing any gate."""
        ledger = RedisLedger.connect(self.redis.url)
        try:
            yield ledger
        finally:
            ledger.close()

    def environment(self) -> dict[str, str]:
        """Return the environment of a process."""
        return environment(
            self.folder,
            {
                "VITRINE_REDIS_URL": self.redis_url or self.redis.url,
                "VITRINE_QDRANT_URL": self.store_url,
                "VITRINE_STORE_TOKEN": TOKEN,
                "VITRINE_FETCH_ALLOW": ",".join(self.allow),
                "VITRINE_LEASE_SECONDS": str(LEASE_SECONDS),
                "VITRINE_SWEEP_SECONDS": str(SWEEP_SECONDS),
                # Restarted workers and repeated faults must embed the same pictures again.
                "VITRINE_EMBEDDING_CACHE_BYTES": "0",
                **self.extra,
            },
        )

    def start_worker(self, fault: str | None = None, **more: str) -> Worker:
        """Start a worker, with a built-in fault if one is named."""
        module = "vitrine" if fault is None else "tests.faults.harness.faulty_worker"
        self.started += 1
        log = self.folder / f"worker-{self.started}.log"
        # Model faults are found by halving a batch, so batches need a certain size.
        size = {} if fault is None else {"VITRINE_BATCH_SIZE": "16"}
        settings = {**self.environment(), "FAULT": fault or "", **size, **more}
        process: subprocess.Popen[bytes] | Forked
        with log.open("ab") as output:
            if self.nursery is not None and fault is None:
                process = self.nursery.start(settings, log)
            else:
                process = subprocess.Popen(
                    [sys.executable, "-m", module, "worker"],
                    env=settings, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                )  # fmt: skip
        worker = Worker(process, log)
        self.workers.append(worker)
        return worker

    def ready(self, worker: Worker) -> Worker:
        """Wait until a worker reports that it is ready."""

        def up() -> bool:
            assert worker.alive(), worker.log.read_text()[-2000:]
            return worker in self.up()

        until(up, "a worker to be ready")
        return worker

    def up(self) -> list[Worker]:
        """List the workers that are alive and have reported so."""
        with Redis.from_url(self.redis.url) as redis:
            told = {info.pid for info in live_workers(redis)}
        return [worker for worker in self.workers if worker.alive() and worker.pid in told]

    def one_of(self, least: int, chance: random.Random) -> Worker:
        """Return a random worker once at least `least` are up."""

        def enough() -> list[Worker]:
            self.restart_if_dead()
            found = self.up()
            return found if len(found) >= least else []

        found: list[Worker] = until(enough, f"{least} workers to be up")
        return chance.choice(found)

    def restart_if_dead(self, fault: str | None = None, **more: str) -> None:
        """Restart the workers that have died since the last call."""
        for worker in [worker for worker in self.workers if not worker.alive()]:
            self.workers.remove(worker)
            self.crashes += 1
            self.start_worker(fault, **more)

    def submit(
        self, items: Sequence[CatalogItem], collection: str = COLLECTION, *, model: str = "builtin"
    ) -> str:
        """Submit a job of these items as any producer does."""
        spec = JobSpec(
            id=new_job_id(), collection=collection, model=model,
            created_at=time.time(), asked_model=model,
        )  # fmt: skip
        with self.ledger() as ledger, contextlib.closing(Publisher(self.settings())) as publisher:
            Submission(spec, ledger, publisher.publish, max_pending=10_000_000).run(items)
        return spec.id

    def status(self, job: str) -> JobStatus:
        """Return the job's status."""
        with self.ledger() as ledger:
            return ledger.status(job)

    def finish(
        self,
        job: str,
        meanwhile: Callable[[], object] = lambda: None,
        *,
        patience: float = PATIENCE,
    ) -> JobStatus:
        """Return the job's status once it is finished; call `meanwhile` repeatedly until then."""

        def finished() -> JobStatus | None:
            meanwhile()
            status = self.status(job)
            return status if status.state.finished else None

        found: JobStatus = until(finished, f"job {job} to finish", patience)
        return found

    def failed(self, job: str) -> dict[str, str]:
        """Return the failed items and their reasons."""
        with self.ledger() as ledger:
            return {one.image.item_id: one.reason.value for one in ledger.failures(job)}

    def stored(self, collection: str = COLLECTION) -> set[str]:
        """Return the items in the store."""
        points = self.store.scroll(collection, with_vectors=False)
        return {point.payload["item_id"] for point in points}

    def doubled(self) -> int:
        """Return how many repeated writes of points there were."""
        return sum(count - 1 for count in self.store.written.values())

    def stop_workers(self) -> None:
        """Kill the remaining workers; counting is over."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
            worker.kill()
        self.workers.clear()


@contextlib.contextmanager
def rig(
    folder: Path, allow: Sequence[str], extra: Mapping[str, str] | None = None
) -> Iterator[Rig]:
    """Run Redis and a store, without a worker; stop everything at the end."""
    redis = PrivateRedis(folder / "redis")
    redis.start()
    store = CountingStore(folder / "store")
    server = StoreServer(store, "127.0.0.1", 0, TOKEN)
    server.start()
    parts = Rig(folder, redis, store, f"edge+{server.url}", allow, extra=dict(extra or {}))
    try:
        yield parts
    finally:
        parts.stop_workers()
        server.shutdown()
        redis.stop()


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for a condition and return its value; on timeout, fail naming `what`."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return value


def items(count: int, url: Callable[[int], str], *, prefix: str = "item") -> list[CatalogItem]:
    """Return items of one picture each; item `n` has picture n."""
    return [CatalogItem(f"{prefix}-{n}", (url(n),)) for n in range(count)]


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """Run something in a background thread."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
