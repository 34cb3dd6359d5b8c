"""A Celery consumer that dead-letters the messages that Celery would discard (`vitrine.messaging.dead_letters`).

Those are messages for an unknown task, with a body that cannot be decoded, or of an unknown form. If Redis is
unreachable and a message cannot be stored, it stays unacknowledged, and the broker delivers it again.
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
"""The exceptions that Celery raises for a malformed message; connection and pool errors are of other types."""


class DeadLetterConsumer(Consumer):
    """Dead-letters a message that Celery would discard, or that would make it end the process."""

    connection_errors: tuple[type[BaseException], ...]  #: After these errors, Celery reconnects.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Kombu takes a queue entry that is not a message out of the queue before it fails on it: nothing is left to store.
        self.connection_errors += (
            json.JSONDecodeError,
            binascii.Error,
            UnicodeDecodeError,
            TypeError,
        )

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Wrap Celery's message handler, which raises various exceptions if header fields are missing."""
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_park(message: Any) -> None:
            try:
                _check_form(message)
                handle(message)
            except _STRANGE as error:
                self._park(message, type(error).__name__)

        return handle_or_park

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002 - Celery's signature
        """Dead-letter a message whose headers name no task."""
        self._park(message, "no task is named")

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """Dead-letter a message for a task that this release does not have."""
        self._park(message, "unknown task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """Dead-letter a message that names a task but does not have a task's form."""
        self._park(message, "not a Celery task message")

    def on_decode_error(self, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's signature
        """Dead-letter a message whose body cannot be decoded."""
        self._park(message, "cannot be decoded")

    def _park(self, message: Any, why: str) -> None:
        try:
            holder.get().store_dead_letter(f"message ({why}) {_text(message)}")
        except LedgerUnavailable as error:
            told = (
                "a message (%s) could not be dead-lettered; it will be redelivered within %d s: %s"
            )
            log.error(told, why, VISIBILITY_TIMEOUT, error)
            return
        if not message.acknowledged:
            message.reject_log_error(log, self.connection_errors)


def _check_form(message: Any) -> None:
    """Raise if no task can be called with this body: in a pool thread, its message would never be acknowledged."""
    payload = message.payload
    if isinstance(payload, dict):
        return  # The older protocol; Celery checks it.
    args, keywords, _ = payload
    if not isinstance(args, list) or not isinstance(keywords, dict):
        raise InvalidTaskError("not a Celery task message")


def _text(message: Any) -> str:
    """Return the message as one line of JSON, with its body in base64 if it is not text."""
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
