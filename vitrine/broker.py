"""Celery as vitrine uses it: the app's settings, the queues' names, and the sending of messages.

The messages are hints (see `vitrine.ledger`): `(schema version, job, chunk)` for work in bulk and
`(schema version, request)` for queries; never pictures, never URLs. The settings are those measured
to hold on Redis: acknowledge late, prefetch one, no soft shutdown, reconnect for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from vitrine.contracts import SCHEMA_VERSION
from vitrine.errors import LedgerUnavailable
from vitrine.settings import Settings

INGEST_TASK = "vitrine.ingest"
QUERY_TASK = "vitrine.query"

BROKER_PREFIX = "vitrine:broker:"
"""What the broker's own keys begin with, so that one Redis can serve others too."""

VISIBILITY_TIMEOUT = 300
"""Seconds after which the broker gives a message to somebody else; well past chunk deadline and stop grace."""


def ingest_queue(model: str) -> str:
    """The queue of chunks for a model, by its canonical name."""
    return f"ingest.{model}"


def query_queue(model: str) -> str:
    """The queue of query pictures and texts for a model, by its canonical name."""
    return f"query.{model}"


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Celery's configuration; the one place that says it."""
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": True,
        # A message whose task raised was still handled: the ledger, not the broker, tries again.
        "task_acks_on_failure_or_timeout": True,
        "task_create_missing_queues": True,
        "task_default_queue": "vitrine",
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "health_check_interval": 5,
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "global_keyprefix": BROKER_PREFIX,
        },
    }


def make_app(settings: Callable[[], Settings]) -> Celery:
    """A Celery app that reads its settings when it first needs them, not when it is made."""
    app = Celery("vitrine", set_as_current=False, loader="celery.loaders.app:AppLoader")
    app.add_defaults(lambda: celery_settings(settings()))
    return app


class Publisher:
    """Sends messages; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(lambda: settings)

    def publish(self, job: str, number: int, model: str) -> None:
        """Send the message of one chunk. Sending it twice is harmless; a lost one the sweeper replaces."""
        self._send(
            INGEST_TASK,
            [SCHEMA_VERSION, job, number],
            queue=ingest_queue(model),
            shown=f"job={job} chunk={number}",
        )

    def publish_query(self, request: str, model: str) -> None:
        """Send the message of one query; a worker drops it once the question itself has expired."""
        self._send(
            QUERY_TASK,
            [SCHEMA_VERSION, request],
            queue=query_queue(model),
            shown=f"query={request}",
        )

    def _send(self, task: str, args: list[object], *, queue: str, shown: str) -> None:
        try:
            self._app.send_task(
                task, args=args, queue=queue, argsrepr=shown,
                retry=True, retry_policy={"max_retries": 3, "interval_start": 0, "interval_step": 0.2},
            )  # fmt: skip
        except (OperationalError, OSError) as error:
            raise LedgerUnavailable(
                "The broker (Redis) did not take a message.",
                hint="Check that Redis answers at VITRINE_REDIS_URL and is not full.",
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._app.close()
