"""The bootsteps that tie the runtime and the query lane to the life of a Celery worker.

`RuntimeStep` runs before the worker consumes: the model is loaded and warm when the first message arrives.
`QueryConsumerStep` runs after the task consumer has started, for every new broker connection. It limits the bulk channel
to `ingest_threads` unacknowledged chunks, and consumes queries on a separate channel, so that a query never waits
behind a chunk.
"""

from __future__ import annotations

import logging
from types import MethodType
from typing import Any

from celery import bootsteps
from kombu.common import ignore_errors

from vitrine.core.errors import VitrineError
from vitrine.core.types import model_name
from vitrine.messaging.broker import ingest_queue, query_queue
from workers.celery_app.config import worker_settings
from workers.runtime import holder

log = logging.getLogger(__name__)


class RuntimeStep(bootsteps.StartStopStep):
    """Opens the runtime, model included; closes it after consuming has ended and running tasks are done."""

    requires = ("celery.worker.components:Timer",)

    def __init__(
        self, worker: Any, model: str | None = None, device: str | None = None, **kwargs: Any
    ) -> None:
        self._settings = worker_settings(model=model, device=device)
        queue = ingest_queue(model_name(self._settings.model))
        # The model determines the queue, whatever -Q says: chunks for another model would end up in the wrong space.
        worker.app.amqp.queues.select([queue])
        super().__init__(worker, **kwargs)

    def start(self, worker: Any) -> None:
        try:
            holder.open(self._settings, worker.hostname)
        except VitrineError as error:
            log.critical("%s", error)
            holder.exit_code = error.exit_code
            raise SystemExit(error.exit_code) from error

    def stop(self, worker: Any) -> None:  # noqa: ARG002 - Celery's signature
        holder.close()

    def terminate(self, worker: Any) -> None:  # noqa: ARG002 - Celery's signature
        holder.close()


class QueryConsumerStep(bootsteps.StartStopStep):
    """Limits the bulk channel and consumes queries on a second channel of the same connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self._queries: Any = None
        super().__init__(consumer, **kwargs)

    def start(self, consumer: Any) -> None:
        engine = holder.get()
        _limit(consumer.task_consumer.channel.qos, engine.settings.ingest_threads)
        channel = consumer.connection.channel()
        channel.basic_qos(0, engine.settings.query_threads, apply_global=False)
        queue = consumer.app.amqp.queues[query_queue(engine.model.name)]
        self._queries = consumer.app.amqp.TaskConsumer(
            channel, queues=[queue], on_decode_error=consumer.on_decode_error
        )
        self._queries.on_message = consumer.create_task_handler()
        self._queries.consume()

    def stop(self, consumer: Any) -> None:
        if self._queries is not None:
            ignore_errors(consumer, self._queries.cancel)

    def shutdown(self, consumer: Any) -> None:
        queries, self._queries = self._queries, None
        if queries is not None:
            ignore_errors(consumer, queries.cancel)
            ignore_errors(consumer, queries.channel.close)


def _limit(qos: Any, limit: int) -> None:
    """Limit a channel to `limit` unacknowledged messages.

    The prefetch count alone is not sufficient: after every lost connection, Celery resets it to the pool's size,
    which includes the query threads.
    """
    within_prefetch = qos.can_consume

    def can_consume(self: Any) -> bool:
        # kombu keeps acknowledged messages in `_delivered` until its next cleanup, and lists them in `_dirty`.
        held = len(self._delivered) - len(self._dirty)
        return held < limit and bool(within_prefetch())

    qos.can_consume = MethodType(can_consume, qos)
