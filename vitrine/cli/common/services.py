"""The services of the job commands (settings, ledger, publisher), put together in one place."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vitrine.core.errors import LedgerUnavailable, VitrineError
from vitrine.core.load_settings import load
from vitrine.core.service_discovery import discover
from vitrine.core.settings import Settings
from vitrine.core.types import JobSpec

if TYPE_CHECKING:
    from vitrine.ledger.base import Ledger
    from vitrine.messaging.broker import Publisher
    from vitrine.messaging.worker_registry import WorkerInfo


def load_settings(**overrides: object) -> Settings:
    """Return the settings of a command; raises `BadInput` for an invalid one."""
    return discover(load(**overrides))


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger and close it afterwards; raises `LedgerUnavailable` if it is unreachable."""
    from vitrine.ledger.journaled import JournaledLedger

    ledger = JournaledLedger.from_settings(settings)
    try:
        _reach(ledger, settings)
        yield ledger
    finally:
        ledger.close()


def _reach(ledger: Ledger, settings: Settings) -> None:
    try:
        ledger.ping()
    except LedgerUnavailable as error:
        if "redis_url" in settings.model_fields_set:
            raise
        # No Redis is configured and no service was found: name the folder that was searched, so that the user can check it.
        raise LedgerUnavailable(
            error.message,
            hint=f"No standalone service runs on {settings.data_dir}; start one: vitrine standalone. "
            "Or name a Redis with VITRINE_REDIS_URL.",
        ) from error


@contextmanager
def open_ledger_and_publisher(settings: Settings) -> Iterator[tuple[Ledger, Publisher]]:
    """Open the ledger and the publisher of its messages, and close both afterwards."""
    from vitrine.messaging.broker import Publisher
    from vitrine.telemetry.open import open_traces

    with open_ledger(settings) as ledger:
        publisher = Publisher(settings, open_traces(settings, "producer"))
        try:
            yield ledger, publisher
        finally:
            publisher.close()


def count_workers(settings: Settings, model: str) -> int:
    """Return the number of live workers for this model."""
    return len(workers_of(settings, model))


def workers_of(settings: Settings, model: str) -> list[WorkerInfo]:
    """Return the live workers for this model."""
    from vitrine.core.redis_client import connect_redis, redis_errors
    from vitrine.messaging.worker_registry import live_workers

    redis = connect_redis(settings.redis_url.get_secret_value())
    try:
        with redis_errors():
            return live_workers(redis, model)
    finally:
        redis.close()


def is_served(settings: Settings, model: str) -> bool:
    """Whether a worker for the model is alive; also true if the ledger is unreachable, which is not a missing worker."""
    try:
        return count_workers(settings, model) > 0
    except VitrineError:
        return True


def no_worker_notice(settings: Settings, spec: JobSpec) -> str | None:
    """Return what to do if no worker serves the job's model; None if one does."""
    if is_served(settings, spec.model):
        return None
    model = spec.asked_model or spec.model
    command = f"vitrine worker --model {shlex.quote(model)}"
    return f"No worker is running for model {model}. The job will wait. Start one: {command}"


def store_away_notice(settings: Settings, spec: JobSpec) -> str | None:
    """Return why the job's workers cannot reach the store; None if they can, or if that is unknown."""
    try:
        crew = workers_of(settings, spec.model)
    except VitrineError:
        return None
    for worker in crew:
        if worker.store_away is not None:
            return f"worker {worker.node}: {worker.store_away.sentence()}; it continues once the store is back"
    return None
