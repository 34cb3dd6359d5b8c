"""Celery as vitrine uses it: app settings, queue names, and publishing messages.

Messages are hints (see `vitrine.ledger`): `(schema version, job, chunk)` for bulk work and
`(schema version, request)` for queries; never pictures, never URLs. The settings are those measured
to be reliable on Redis: acknowledge late, prefetch one, no soft shutdown, reconnect forever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from celery import Celery

from vitrine.core.redis_client import connect_redis, redis_errors
from vitrine.core.settings import Settings
from vitrine.core.types import SCHEMA_VERSION
from vitrine.messaging.loader import InstalledLoader
from vitrine.messaging.message_template import MessageTemplate
from vitrine.telemetry.traces import Traces

INGEST_TASK = "vitrine.ingest"
QUERY_TASK = "vitrine.query"

BROKER_PREFIX = "vitrine:broker:"
"""Prefix of the broker's keys, so that other systems can share the Redis."""

_AT_ONCE = 256
"""Messages per command: about 300 KB, small enough not to delay other clients."""

VISIBILITY_TIMEOUT = 300
"""Seconds after which the broker redelivers a message; well above chunk deadline plus stop grace period."""


def ingest_queue(model: str) -> str:
    """Return the queue of a model's chunks. `model` is its canonical name."""
    return f"ingest.{model}"


def query_queue(model: str) -> str:
    """Return the queue of a model's query pictures and texts. `model` is its canonical name."""
    return f"query.{model}"


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return Celery's configuration, defined only here."""
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": True,
        # A message whose task raised was still handled: the ledger retries, not the broker.
        "task_acks_on_failure_or_timeout": True,
        "task_create_missing_queues": True,
        "task_default_queue": "vitrine",
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # If Redis refuses commands because it is full, wait as for an outage; otherwise the worker would exit.
        "broker_channel_error_retry": True,
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
    """Return a Celery app that reads its settings on first use, not on creation."""
    app = Celery("vitrine", set_as_current=False, loader=InstalledLoader)
    app.add_defaults(lambda: celery_settings(settings()))
    return app


class QueueDepth(NamedTuple):
    """Messages waiting in a model's queues, without those that workers have taken."""

    model: str
    chunks: int  #: Messages of up to 64 pictures each.
    queries: int


class Publisher:
    """Publishes messages. Safe to use from several threads."""

    def __init__(self, settings: Settings, traces: Traces | None = None) -> None:
        """Connect lazily. Raises `BadInput` for an address that cannot be a Redis server's.

        With `traces`, publishing starts a chunk's trace: pass it to submit chunks, not to resend them.
        """
        self._traces = traces
        self._app = make_app(lambda: settings)
        self._redis = connect_redis(settings.redis_url.get_secret_value())
        self._moulds: dict[tuple[str, str], MessageTemplate] = {}

    def publish(
        self, job: str, numbers: Sequence[int], model: str, *, retries: Sequence[int] | None = None
    ) -> None:
        """Publish the messages of these chunks in order; `retries` gives each chunk's previous attempts.

        Sending a message twice is harmless, and the sweeper replaces a lost one. Raises `LedgerUnavailable`.
        """
        began = time.monotonic()
        queue = ingest_queue(model)
        mould = self._mould(INGEST_TASK, queue)
        counted = list(zip(numbers, retries or [0] * len(numbers), strict=True))
        for first in range(0, len(numbers), _AT_ONCE):
            messages = [
                mould.fill(
                    [SCHEMA_VERSION, job, number], shown=f"job={job} chunk={number}", retries=before
                )
                for number, before in counted[first : first + _AT_ONCE]
            ]
            self._push(queue, messages)
        if self._traces is not None:
            self._traces.submitted(job, numbers, model, began)

    def publish_query(self, request: str, model: str) -> None:
        """Publish the message of one query, or of several whose names are separated by commas.

        A worker drops queries that have expired by then.
        """
        queue = query_queue(model)
        mould = self._mould(QUERY_TASK, queue)
        first, *more = request.split(",")
        shown = f"query={first}" + (f" and {len(more)} more" if more else "")
        self._push(queue, [mould.fill([SCHEMA_VERSION, request], shown=shown)])

    def waiting(self, models: Collection[str]) -> list[QueueDepth]:
        """Return the queue depths of these models (canonical names), in the given order. Raises `LedgerUnavailable`."""
        with redis_errors(), self._redis.pipeline(transaction=False) as pipe:
            for model in models:
                pipe.llen(f"{BROKER_PREFIX}{ingest_queue(model)}")
                pipe.llen(f"{BROKER_PREFIX}{query_queue(model)}")
            found = pipe.execute()
        pairs = zip(found[::2], found[1::2], strict=True)
        return [QueueDepth(model, *pair) for model, pair in zip(models, pairs, strict=True)]

    def _mould(self, task: str, queue: str) -> MessageTemplate:
        found = self._moulds.get((task, queue))
        if found is None:
            found = self._moulds[task, queue] = MessageTemplate(self._app, task, queue)
        return found

    def _push(self, queue: str, messages: Sequence[bytes]) -> None:
        with redis_errors():
            # Where Kombu's Redis transport pushes messages without priority; workers pop from the other end.
            self._redis.lpush(f"{BROKER_PREFIX}{queue}", *messages)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        self._app.close()
        if self._traces is not None:
            self._traces.close()
