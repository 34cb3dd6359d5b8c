"""Celery's consumer as vitrine's workers have it: it parks what it cannot read, and leaves no connection behind."""

from __future__ import annotations

import logging
from typing import Any

from workers.celery_app.dead_letter_consumer import DeadLetterConsumer

log = logging.getLogger(__name__)


class WorkerConsumer(DeadLetterConsumer):
    """Closes a connection that came up and could not be set up, and outlives one that broke at a bad moment."""

    amqheartbeat: float | None  #: Celery's; no heartbeat for Redis.
    hub: Any  #: Celery's event loop.

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What Kombu raises where a message of a connection that is closed by now is acknowledged: it has no address any more.
        self.connection_errors += (AttributeError,)

    def connect(self) -> Any:
        """A connection that is registered with the worker's loop.

        Registering it writes to the broker. One that is full refuses that, and is tried again five times a second: connections
        left open would take the memory that it waits for, and in some minutes all that it allows.
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
        """Close what broke, as Celery does; it is connected anew after this."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            # Kombu closes a connection in two steps, and looks for the first one's address in the second if the first was cut
            # short: Celery would end the process. What was in hand, the broker and the sweeper send again.
            log.warning("a broken connection could not be closed in order: %s", error)
