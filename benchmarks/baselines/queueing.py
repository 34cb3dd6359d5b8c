"""How a baseline's Celery app is set up, and what its worker holds.

The settings are those that vitrine's own worker uses on Redis, without task events, which the baselines need not send.
The environment is read when a worker starts, never at import.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery import Celery, signals

from benchmarks.baselines.workshop import Workshop
from vitrine.core.settings import load
from vitrine.messaging.broker import celery_settings

READY_KEY = "bench:ready"
"""A Redis set of the process ids of baseline workers that have begun to consume."""
WAITING_BATCHES = 4
"""Batches' worth of messages that a worker may take in advance, where a message is a picture."""


def baseline_app(*, prefetch: int = 1) -> Celery:
    """An app; `prefetch` messages a thread are taken in advance. The command line names its queue."""

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
    """The worker's own model, store and stages, opened when it starts."""
    return Workshop(load())


def _open(**_: object) -> None:
    workshop()


def _say_ready(**_: object) -> None:
    workshop().say_ready(READY_KEY)
