"""A connection that cannot be set up is closed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from celery.worker.consumer import Consumer
from redis.exceptions import OutOfMemoryError

from workers.celery_app.consumer import WorkerConsumer


class Connection:
    """A connection to a broker whose memory may be full."""

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


def test_a_broken_connection_that_kombu_cannot_close_does_not_end_the_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def half_closed(_consumer: object, exc: Exception) -> None:
        raise AttributeError("'NoneType' object has no attribute 'hostname'") from exc

    monkeypatch.setattr(Consumer, "on_connection_error_after_connected", half_closed)
    with caplog.at_level(logging.WARNING):
        consumer_of(Connection(full=False)).on_connection_error_after_connected(OSError("cut"))
    assert "could not be closed cleanly" in caplog.text


def test_an_acknowledgement_on_a_closed_connection_is_a_broken_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def initialised(consumer: Any, *_: object) -> None:
        consumer.connection_errors = (OSError,)

    monkeypatch.setattr(Consumer, "__init__", initialised)
    assert AttributeError in WorkerConsumer().connection_errors
