"""A message as Celery and Kombu make it, taken once for each queue, and filled in for every chunk.

Celery takes 600 us of CPU to make and send one message, nearly all of it to come to the same result each time. So
the first message of a queue goes through Celery and Kombu over Kombu's own transport in memory; what comes
out of it is the mould, and filling it takes a few microseconds. A worker, Flower and Kombu's redelivery see
what they always saw: the same fields, an id of its own in each message.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import orjson
from celery import Celery
from kombu import Connection

_ONE_AT_A_TIME = threading.Lock()
"""Kombu's transport in memory has one set of queues for the whole process."""


class MessageTemplate:
    """One task's message on one queue; safe to use from several threads."""

    def __init__(self, app: Celery, task: str, queue: str) -> None:
        """Have Celery make the message; nothing is sent anywhere."""
        whole, body = _render(app, task, queue)
        _, self._keywords, self._embedded = orjson.loads(body)
        self._headers: dict[str, Any] = whole.pop("headers")
        self._properties: dict[str, Any] = whole.pop("properties")
        self._rest = whole

    def fill(self, args: Sequence[object], *, shown: str, retries: int = 0) -> bytes:
        """The message for these arguments, as it lies in Redis; Flower shows `shown` of them, and the `retries`."""
        identity, delivery = str(uuid4()), str(uuid4())
        body = orjson.dumps([args, self._keywords, self._embedded])
        message = self._rest | {
            "body": base64.b64encode(body).decode("ascii"),
            "headers": self._headers
            | {"id": identity, "root_id": identity, "argsrepr": shown, "retries": retries},
            "properties": self._properties
            | {"correlation_id": identity, "delivery_tag": delivery, "argsrepr": shown},
        }
        return orjson.dumps(message)


def _render(app: Celery, task: str, queue: str) -> tuple[dict[str, Any], bytes]:
    """The message in the form in which Kombu writes it, and its body."""
    with _ONE_AT_A_TIME, Connection("memory://") as connection:
        app.send_task(task, args=[], queue=queue, argsrepr="", connection=connection)
        channel: Any = connection.default_channel
        message = channel.basic_get(queue, no_ack=True)
        return message.serializable(), message.body
