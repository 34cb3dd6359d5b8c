"""A connection that cannot be set up is closed."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError

from workers.consumer import WorkerConsumer


class Connection:
    """A broker's, whose memory may be full."""

    def __init__(self, *, full: bool) -> None:
        self.full, self.closed = full, False
        self.connection = object()
        self.transport = self

    def register_with_event_loop(self, connection: object, hub: object) -> None:
        assert connection is self.connection
        assert hub
        if self.full:
            raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    def collect(self) -> None:
        self.closed = True


def consumer_of(connection: Connection) -> WorkerConsumer:
    made: Any = WorkerConsumer.__new__(WorkerConsumer)
    made.connection_for_read = lambda heartbeat: connection
    made.amqheartbeat, made.hub = 0, object()
    consumer: WorkerConsumer = made
    return consumer


def test_a_connection_that_a_full_redis_refuses_to_set_up_is_closed() -> None:
    connection = Connection(full=True)
    with pytest.raises(OutOfMemoryError):
        consumer_of(connection).connect()
    assert connection.closed


def test_one_that_is_set_up_stays_open() -> None:
    connection = Connection(full=False)
    assert consumer_of(connection).connect() is connection
    assert not connection.closed
