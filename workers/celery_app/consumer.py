"""The Celery consumer of vitrine's workers: it dead-letters unreadable messages and leaks no connections."""

from __future__ import annotations

import logging
from typing import Any

from workers.celery_app.dead_letter_consumer import DeadLetterConsumer

log = logging.getLogger(__name__)


class WorkerConsumer(DeadLetterConsumer):
    """Closes a connection whose setup failed, and survives one that breaks at an unlucky moment."""

    amqheartbeat: float | None  #: Celery's heartbeat interval; Redis has none.
    hub: Any  #: Celery's event loop.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Kombu raises this when a message is acknowledged whose connection is already closed and has lost its address.
        self.connection_errors += (AttributeError,)

    def connect(self) -> Any:
        """Connect to the broker and register the connection with the worker's event loop.

        Registering writes to the broker. A broker whose memory is full refuses, and Celery retries five times per second.
        Connections left open would use up the memory it lacks and, within minutes, reach its connection limit.
        """
        connection = self.connection_for_read(heartbeat=self.amqheartbeat)
        try:
            if self.hub:
                connection.transport.register_with_event_loop(connection.connection, self.hub)
        except BaseException:
            connection.collect()
            raise
        return connection

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the broken connection as Celery does; Celery then reconnects."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            # Kombu closes a connection in two steps. If the first was cut short, the second fails to find its address, and
            # Celery would end the process. The broker and the sweeper send the unfinished messages again.
            log.warning("a broken connection could not be closed cleanly: %s", error)
