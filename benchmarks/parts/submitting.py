"""One submit in a separate process, as `vitrine submit` does it: its time, CPU and peak memory.

The process submits a small catalog first, so that importing, connecting and loading scripts are not measured: they
take about as long for ten rows as for ten million.
"""

from __future__ import annotations

import re
import resource
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from redis import Redis

from benchmarks.parts.redis_gauge import RedisGauge
from producer import CatalogOptions, CatalogReport, Submission, from_path, open_catalog
from vitrine.core.load_settings import load
from vitrine.core.types import JobSpec, new_job_id
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.broker import Publisher

MODEL = "none"
"""Names the queue; nothing loads this model."""
WARM_UP_MODEL = "warm-up"
COLLECTION = "scale"
_PENDING_LIMIT = 2**40
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Results of one submit."""

    job: str
    warm_up_job: str
    items: int
    images: int
    seconds: float
    cpu_seconds: float
    redis_cpu_seconds: float
    peak_rss_mb: float


def submitted(catalog: Path, warm_up: Path, redis_url: str) -> Submitted:
    """Submit a catalog. Raises `RuntimeError` if the process ends without a result."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_submit_both, args=(theirs, catalog, warm_up, redis_url))
    process.start()
    theirs.close()
    try:
        found: Submitted = ours.recv()
    except EOFError as error:
        raise RuntimeError("the submitting process failed") from error
    finally:
        ours.close()
        process.join()
    return found


def _submit_both(pipe: Connection, catalog: Path, warm_up: Path, redis_url: str) -> None:
    ledger = RedisLedger.connect(redis_url)
    publisher = Publisher(load(redis_url=redis_url))
    redis = Redis.from_url(redis_url)
    gauge = RedisGauge(redis)
    before = new_job_id()
    _submit(ledger, publisher, warm_up, JobSpec(before, COLLECTION, WARM_UP_MODEL))
    spec = JobSpec(new_job_id(), COLLECTION, MODEL, catalog.name, time.time())
    redis_cpu = gauge.cpu_seconds()
    began, cpu = time.perf_counter(), time.process_time()
    report = _submit(ledger, publisher, catalog, spec)
    found = Submitted(
        job=spec.id,
        warm_up_job=before,
        items=report.items,
        images=report.images,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - cpu,
        redis_cpu_seconds=gauge.cpu_seconds() - redis_cpu,
        peak_rss_mb=_peak_rss_mb(),
    )
    pipe.send(found)
    for client in (publisher, ledger, redis):
        client.close()


def _submit(ledger: RedisLedger, publisher: Publisher, path: Path, spec: JobSpec) -> CatalogReport:
    submission = Submission(
        spec, ledger, publisher.publish, max_pending=_PENDING_LIMIT, on_wait=_never
    )
    with open_catalog(from_path(path), CatalogOptions()) as catalog:
        return submission.run(catalog)


def _never(pending: int) -> None:
    raise RuntimeError(f"{pending} pictures are pending, which is more than any limit")


def _peak_rss_mb() -> float:
    """Return this process's peak since it began; Linux's other counter starts at the memory of its parent."""
    status = Path("/proc/self/status")
    if status.is_file() and (found := _PEAK.search(status.read_text())):
        return int(found[1]) * 1024 / 1e6
    kibibytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kibibytes / 1e6
