"""Celery's consumer, which discards what it cannot make a task of; this one parks it first (`vitrine.messaging.dead_letters`).

These are messages of a task that nobody registered, of a body that cannot be decoded, and of no form at all. Where one
cannot be parked since Redis is away, it stays unacknowledged, and the broker hands it out again.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Callable
from typing import Any

import orjson
from celery.exceptions import InvalidTaskError
from celery.worker.consumer import Consumer
from kombu.exceptions import ContentDisallowed, DecodeError

from vitrine.core.errors import LedgerUnavailable
from vitrine.messaging.broker import VISIBILITY_TIMEOUT
from workers.runtime import holder

log = logging.getLogger(__name__)

_STRANGE = (
    InvalidTaskError, ContentDisallowed, DecodeError, LookupError, TypeError, ValueError, AttributeError,
)  # fmt: skip
"""What a message of another form makes Celery raise; of the connection and the pool come others."""


class DeadLetterConsumer(Consumer):
    """Parks where Celery would discard, and where it would end the process over a message."""

    connection_errors: tuple[type[BaseException], ...]  #: After these Celery connects again.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What lies in a queue and is no message at all, Kombu has taken out before it fails on it: nothing is left to park.
        self.connection_errors += (
            json.JSONDecodeError,
            binascii.Error,
            UnicodeDecodeError,
            TypeError,
        )

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Celery's handler of a message, within a net: on headers that lack a field it raises what it likes."""
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_park(message: Any) -> None:
            try:
                _check_form(message)
                handle(message)
            except _STRANGE as error:
                self._park(message, type(error).__name__)

        return handle_or_park

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Its headers name no task."""
        self._park(message, "no task is named")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """It names a task that this release does not have."""
        self._park(message, "unknown task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """It names a task, and is not of a task's form."""
        self._park(message, "not a task's form")

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """Its body cannot be read."""
        self._park(message, "cannot be decoded")

    def _park(self, message: Any, why: str) -> None:
        try:
            holder.get().store_dead_letter(f"message ({why}) {_text(message)}")
        except LedgerUnavailable as error:
            told = "a message (%s) could not be parked, and comes again within %d s: %s"
            log.error(told, why, VISIBILITY_TIMEOUT, error)
            return
        if not message.acknowledged:
            message.reject_log_error(log, self.connection_errors)


def _check_form(message: Any) -> None:
    """Raise for a body that no task can be called with: in a thread of the pool its message would stay in hand for ever."""
    payload = message.payload
    if isinstance(payload, dict):
        return  # The older protocol, which Celery checks itself.
    args, keywords, _ = payload
    if not isinstance(args, list) or not isinstance(keywords, dict):
        raise InvalidTaskError("not a task's form")


def _text(message: Any) -> str:
    """The message as one line of JSON, its body in base64 where it is not text."""
    body = message.body
    if isinstance(body, bytes):
        try:
            body = body.decode()
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(body).decode()}
    told = {
        "content-type": message.content_type,
        "headers": message.headers,
        "body": body,
    }
    return orjson.dumps(told, default=str).decode()
