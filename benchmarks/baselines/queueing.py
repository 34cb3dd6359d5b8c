"""Setup of a baseline's Celery app, and the resources of its worker.

The settings are those of vitrine's worker on Redis, without task events, which the baselines do not need.
The environment is read when a worker starts, never at import.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery import Celery, signals

from benchmarks.baselines.workshop import Workshop
from vitrine.core.load_settings import load
from vitrine.messaging.broker import celery_settings

READY_KEY = "bench:ready"
"""A Redis set with the process ids of baseline workers that have started to consume."""
WAITING_BATCHES = 4
"""Batches' worth of messages that a worker may prefetch, if each message is a picture."""


def baseline_app(*, prefetch: int = 1) -> Celery:
    """Return an app that prefetches `prefetch` messages per thread. The command line names its queue."""

    def settings() -> dict[str, Any]:
        return {
            **celery_settings(load()),
            "worker_prefetch_multiplier": prefetch,
            "worker_send_task_events": False,
        }

    app = Celery("baseline", set_as_current=False, loader="celery.loaders.app:AppLoader")
    app.add_defaults(settings)
    signals.worker_init.connect(_open, weak=False)
    signals.worker_ready.connect(_say_ready, weak=False)
    return app


@lru_cache(maxsize=1)
def workshop() -> Workshop:
    """Return the worker's model, store and stages, opened when it starts."""
    return Workshop(load())


def _open(**_: object) -> None:
    workshop()


def _say_ready(**_: object) -> None:
    workshop().say_ready(READY_KEY)
