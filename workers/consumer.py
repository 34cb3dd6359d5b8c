"""Celery's consumer as vitrine's workers have it: it parks what it cannot read, and leaves no connection behind."""

from __future__ import annotations

from typing import Any

from workers.parking_consumer import ParkingConsumer


class WorkerConsumer(ParkingConsumer):
    """Closes a connection that came up and could not be set up."""

    amqheartbeat: float | None  #: Celery's; no heartbeat for Redis.
    hub: Any  #: Celery's event loop.

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
