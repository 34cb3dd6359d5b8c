"""Celery as vitrine uses it: the app's settings, the queues' names, and the sending of messages.

The messages are hints (see `vitrine.ledger`): `(schema version, job, chunk)` for work in bulk and
`(schema version, request)` for queries; never pictures, never URLs. The settings are those measured
to hold on Redis: acknowledge late, prefetch one, no soft shutdown, reconnect for ever.
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
"""What the broker's own keys begin with, so that one Redis can serve others too."""

_AT_ONCE = 256
"""Messages in one command: about 300 KB, which holds nobody up."""

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
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that refuses a command, being full, is waited for as one that is away; else it ends the worker.
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
    """A Celery app that reads its settings when it first needs them, not when it is made."""
    app = Celery("vitrine", set_as_current=False, loader=InstalledLoader)
    app.add_defaults(lambda: celery_settings(settings()))
    return app


class QueueDepth(NamedTuple):
    """What waits in a model's queues; what workers have taken is not in it."""

    model: str
    chunks: int  #: Messages, each of up to 64 pictures.
    queries: int


class Publisher:
    """Sends messages; safe to use from several threads."""

    def __init__(self, settings: Settings, traces: Traces | None = None) -> None:
        """Nothing is sent yet; raises `BadInput` for an address that cannot be Redis's.

        With `traces` a chunk's trace begins when it is published: for who submits, not for who sends again.
        """
        self._traces = traces
        self._app = make_app(lambda: settings)
        self._redis = connect_redis(settings.redis_url.get_secret_value())
        self._moulds: dict[tuple[str, str], MessageTemplate] = {}

    def publish(
        self, job: str, numbers: Sequence[int], model: str, *, retries: Sequence[int] | None = None
    ) -> None:
        """Send the messages of these chunks, in their order; `retries` says how often each was begun before.

        Sending one twice is harmless, and a lost one the sweeper replaces. Raises `LedgerUnavailable`.
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
        """Send the message of a query, or of several whose names have commas between them.

        A worker drops what has expired by then.
        """
        queue = query_queue(model)
        mould = self._mould(QUERY_TASK, queue)
        first, *more = request.split(",")
        shown = f"query={first}" + (f" and {len(more)} more" if more else "")
        self._push(queue, [mould.fill([SCHEMA_VERSION, request], shown=shown)])

    def waiting(self, models: Collection[str]) -> list[QueueDepth]:
        """How much waits for each of these models, by its canonical name, in the order given. Raises `LedgerUnavailable`."""
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
            # Where Kombu's Redis transport pushes what has no priority; workers take from the other end.
            self._redis.lpush(f"{BROKER_PREFIX}{queue}", *messages)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        self._app.close()
        if self._traces is not None:
            self._traces.close()
