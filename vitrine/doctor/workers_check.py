"""Checks of the workers: whether each requested model has one, and whether they embed into the collections' spaces."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress

from vitrine.core.errors import VitrineError
from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.core.types import JobStatus
from vitrine.doctor.finding import Finding, FindingFactory
from vitrine.doctor.machine_check import is_port_free
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.dead_letters import DEAD_LETTERS_KEY, DeadLetterCount, count_dead_letters
from vitrine.messaging.worker_registry import WorkerInfo, live_workers
from vitrine.store.base import CollectionInfo
from vitrine.store.open import check_url, open_store

JOBS = 100
"""Number of newest jobs to check; `vitrine jobs` shows older ones that still wait."""

_BOOK = FindingFactory("workers")


def check_workers(settings: Settings) -> Iterator[Finding]:
    """Check the live workers in Redis, the waiting jobs in the ledger, and the collections in the store.

    If one of them is unreachable, its own check reports that; it is not repeated here.
    """
    try:
        with closing(connect_redis(settings.redis_url.get_secret_value())) as redis, redis_errors():
            crew = live_workers(redis)
            parked = count_dead_letters(redis)
    except VitrineError:
        yield _BOOK.note("Worker status is kept in Redis, which is unreachable.")
        return
    yield from _alive(crew, settings)
    yield from metrics_port(crew, settings)
    yield from dead_letters(parked)
    with closing(RedisLedger.from_settings(settings)) as ledger:
        yield from jobs_without_worker(crew, ledger.jobs(limit=JOBS))
    with suppress(VitrineError):
        yield from mismatched_collections(crew, _stored(settings))


def _stored(settings: Settings) -> list[CollectionInfo]:
    if check_url(settings) == "embedded":
        return []
    with closing(open_store(settings)) as store:
        return store.collections()


def _alive(crew: Sequence[WorkerInfo], settings: Settings) -> Iterator[Finding]:
    if not crew:
        yield _BOOK.warning(
            "No worker is running: catalogs wait, and searches by picture or words fail.",
            f"Start one: vitrine worker --model {shlex.quote(settings.model)}",
        )
    for worker in crew:
        yield _BOOK.good(f"{worker.model} on {worker.device}, process {worker.pid}.")
        if worker.store_away is not None:
            yield _BOOK.wrong(
                f"{worker.node}: {worker.store_away.sentence()}.",
                "It resumes by itself once the store is back.",
            )


def metrics_port(crew: Sequence[WorkerInfo], settings: Settings) -> Iterator[Finding]:
    """Check whether a worker started here could serve its metrics, if their port is fixed."""
    host, port = settings.metrics_host, settings.metrics_port
    ours = {worker.metrics.rpartition(":")[2] for worker in crew if worker.metrics}
    if port and str(port) not in ours and not is_port_free(host, port):
        yield _BOOK.warning(
            f"Port {port} of {host}, which a worker needs for its metrics, is in use.",
            "Set VITRINE_METRICS_PORT to another port, or to 0 for any free one.",
        )


def dead_letters(parked: DeadLetterCount) -> Iterator[Finding]:
    """Report messages that no worker understood, if there are any."""
    if parked.messages:
        yield _BOOK.warning(
            f"{parked.messages:,} messages that no worker understood are dead-lettered; they arrived {parked.times:,} times.",
            "If they come from a newer release, update the workers; the sweeper sends their chunks again. Otherwise find what "
            f"writes to vitrine's queues. `HGETALL {DEAD_LETTERS_KEY}` in redis-cli shows them, `DEL {DEAD_LETTERS_KEY}` removes them.",
        )


def jobs_without_worker(crew: Sequence[WorkerInfo], jobs: Iterable[JobStatus]) -> Iterator[Finding]:
    """Report jobs that wait for a model without a worker, one finding per model."""
    served = {worker.model for worker in crew}
    waiting: dict[str, list[JobStatus]] = {}
    for job in jobs:
        if job.pending and not job.state.finished and job.spec.model not in served:
            waiting.setdefault(job.spec.model, []).append(job)
    for model, found in sorted(waiting.items()):
        pictures = sum(job.pending for job in found)
        asked = found[0].spec.asked_model or model
        yield _BOOK.warning(
            f"{pictures:,} pictures wait for the model {model}, which no worker has (job {found[0].spec.id}).",
            f"Start one: vitrine worker --model {shlex.quote(asked)}",
        )


def mismatched_collections(
    crew: Sequence[WorkerInfo], collections: Iterable[CollectionInfo]
) -> Iterator[Finding]:
    """Report collections of a worker's model whose vectors are from a space other than the worker's."""
    for info in collections:
        spaces = {worker.space for worker in crew if worker.model == info.space.model}
        if not spaces or info.space in spaces:
            continue
        space = min(spaces, key=str)
        yield _BOOK.warning(
            f"The collection {info.name} uses {info.space.model} {info.space.revision} ({info.space.policy}), but its workers "
            f"use {space.revision} ({space.policy}): it accepts no pictures, and cannot be searched by picture or words.",
            "Run a worker with the weights and settings that made the collection, or submit its catalog to a new collection.",
        )
