"""A message that this worker does not understand is kept, counted, and never run."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pytest
from celery.exceptions import Reject
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from vitrine.core.settings import Settings
from vitrine.core.types import SCHEMA_VERSION
from vitrine.doctor.workers_check import dead_letters
from vitrine.messaging.broker import INGEST_TASK
from vitrine.messaging.dead_letters import (
    DEAD_LETTERS_KEY,
    MAX_MESSAGE_CHARS,
    DeadLetterCount,
    count_dead_letters,
)
from workers import app as worker_app
from workers.celery_app import dead_letter_consumer
from workers.celery_app.dead_letter_consumer import DeadLetterConsumer
from workers.celery_app.task_result import MessageDeadLettered
from workers.dead_letters import DeadLetters
from workers.ingest import retry_ledger
from workers.metrics import WorkerMetrics
from workers.runtime import WorkerRuntime

JOB = "3f2a9c04d1be"


class Untouchable:
    """Stands in for the parts that would do the work."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} of a part was used")


class Holder:
    """Stands in for the holder of the process's engine."""

    def __init__(self, engine: WorkerRuntime) -> None:
        self._engine = engine

    def get(self) -> WorkerRuntime:
        return self._engine


@pytest.fixture
def redis(private_redis: str) -> Iterator[Any]:
    with Redis.from_url(private_redis) as client:
        client.delete(DEAD_LETTERS_KEY)
        yield client
        client.delete(DEAD_LETTERS_KEY)


def engine_on(redis: Any) -> WorkerRuntime:
    part: Any = Untouchable()
    stopping = threading.Event()
    return WorkerRuntime(
        Settings(), model=part, chunks=part, queries=part, batcher=part, info=part, metrics=WorkerMetrics(),
        dead_letters=DeadLetters(redis, stopping.is_set), _stopping=stopping, _closers=ExitStack(),
    )  # fmt: skip


@pytest.fixture
def engine(redis: Any, monkeypatch: pytest.MonkeyPatch) -> WorkerRuntime:
    made = engine_on(redis)
    monkeypatch.setattr(worker_app, "holder", Holder(made))
    monkeypatch.setattr(dead_letter_consumer, "holder", Holder(made))
    return made


class AwayRedis:
    """Is unreachable for the next `times` calls."""

    def __init__(self, redis: Any, times: int) -> None:
        self._redis, self.times = redis, times

    def eval(self, *arguments: Any) -> Any:
        if self.times:
            self.times -= 1
            raise RedisConnectionError("away")
        return self._redis.eval(*arguments)


def parked(redis: Any) -> dict[str, int]:
    return {
        message.decode(): int(times) for message, times in redis.hgetall(DEAD_LETTERS_KEY).items()
    }


def parked_chunks(engine: WorkerRuntime) -> float:
    found = engine.metrics.registry.get_sample_value("vitrine_chunks_total", {"outcome": "parked"})
    return found or 0.0


# --- tasks of another schema version ------------------------------------------------------------


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0, -1])
def test_an_unknown_version_is_parked_and_not_run(
    engine: WorkerRuntime, redis: Any, version: int
) -> None:
    for _ in range(2):
        assert engine.ingest(version, JOB, 7) == {"parked": f"chunk {version} {JOB} 7"}
    assert engine.query(version, "abc") == {"parked": f"query {version} abc"}
    assert parked(redis) == {f"chunk {version} {JOB} 7": 2, f"query {version} abc": 1}
    assert count_dead_letters(redis) == DeadLetterCount(messages=2, times=3)
    assert parked_chunks(engine) == 2


@pytest.mark.parametrize(
    "message",
    [(SCHEMA_VERSION + 1, JOB, 7, "more"), (SCHEMA_VERSION, JOB), (SCHEMA_VERSION, 7, JOB), ()],
)
def test_a_message_of_another_form_is_parked_and_not_run(
    engine: WorkerRuntime, redis: Any, message: tuple[object, ...]
) -> None:
    with pytest.raises(MessageDeadLettered, match="chunk"):
        worker_app.ingest(*message)
    with pytest.raises(MessageDeadLettered, match="query"):
        worker_app.query(*message, more=1)
    assert sorted(parked(redis)) == [
        " ".join(["chunk", *map(str, message)]),
        " ".join(["query", *map(str, message), "('more', 1)"]),
    ]


def test_a_known_version_goes_to_its_part(engine: WorkerRuntime, redis: Any) -> None:
    with pytest.raises(AssertionError, match="ingest of a part"):
        engine.ingest(SCHEMA_VERSION, JOB, 7)
    with pytest.raises(AssertionError, match="answer of a part"):
        engine.query(SCHEMA_VERSION, "abc")
    assert parked(redis) == {}


def test_a_message_is_kept_up_to_a_length(engine: WorkerRuntime, redis: Any) -> None:
    engine.ingest(2, "x" * 2 * MAX_MESSAGE_CHARS, 7)
    [kept] = parked(redis)
    assert len(kept) == MAX_MESSAGE_CHARS


def test_redis_away_is_waited_for_before_a_message_is_parked(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_ledger, "_PAUSE", 0.001)
    engine = engine_on(AwayRedis(redis, 3))
    assert engine.ingest(2, JOB, 7) == {"parked": f"chunk 2 {JOB} 7"}
    assert parked(redis) == {f"chunk 2 {JOB} 7": 1}


def test_a_message_that_cannot_be_parked_goes_back_to_the_queue(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = engine_on(AwayRedis(redis, 10**9))
    monkeypatch.setattr(worker_app, "holder", Holder(away))
    monkeypatch.setattr(retry_ledger, "PATIENCE_WHEN_STOPPING", 0.0)
    away.stop_soon()
    with pytest.raises(Reject) as told:
        worker_app.ingest(2, JOB, 7)
    rejected: Any = told.value
    assert rejected.requeue


# --- messages that are not our tasks ------------------------------------------------------------


class Message:
    """A broker's message as Celery's consumer sees it."""

    content_type = "application/json"
    acknowledged = False

    def __init__(self, body: str | bytes, headers: dict[str, Any] | None = None) -> None:
        self.body, self.headers = body, headers or {}
        self.properties: dict[str, Any] = {}
        self.delivery_info: dict[str, Any] = {}
        self.rejected = 0

    @property
    def payload(self) -> Any:
        return orjson.loads(self.body)

    def decode(self) -> Any:
        return self.payload

    def ack_log_error(self, *_: object) -> None:
        raise AssertionError("nothing was done, and it was acknowledged")

    def reject_log_error(self, *_: object, **__: object) -> None:
        self.rejected += 1


@pytest.fixture
def consumer() -> DeadLetterConsumer:
    """Celery's own consumer, as far as it handles a message; no broker, no pool."""
    made: Any = DeadLetterConsumer.__new__(DeadLetterConsumer)
    made.connection_errors = (OSError,)
    made.strategies = {INGEST_TASK: lambda message, *_: message.headers["id"]}
    made.on_task_message = set()
    made._maximum_prefetch_restored = True
    consumer: DeadLetterConsumer = made
    return consumer


TASK = orjson.dumps([[1, JOB, 7], {}, {}])
STRANGERS: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "unknown-task": (TASK, {"task": "somebody.elses", "id": "1"}),
    "unknown-task-without-id": (TASK, {"task": "somebody.elses"}),
    "task-without-id": (TASK, {"task": INGEST_TASK}),
    "unhashable-task": (TASK, {"task": []}),
    "no-task": (TASK, {}),
    "no-json": ("{", {"task": INGEST_TASK, "id": "1"}),
    "no-text": (b"\xff\x00", {"task": INGEST_TASK, "id": "1"}),
    "no-arguments": ("5", {"task": INGEST_TASK, "id": "1"}),
    "odd-arguments": ("[{}, [], 1]", {"task": INGEST_TASK, "id": "1"}),
}


@pytest.mark.parametrize("name", STRANGERS)
@pytest.mark.usefixtures("engine")
def test_what_is_no_task_of_ours_is_parked_and_counted(
    consumer: DeadLetterConsumer, engine: WorkerRuntime, redis: Any, name: str
) -> None:
    message = Message(*STRANGERS[name])
    consumer.create_task_handler()(message)
    [(kept, times)] = parked(redis).items()
    told = orjson.loads(kept[kept.index("{") :])
    body = told["body"]["base64"] if isinstance(told["body"], dict) else told["body"]
    expected = message.body if isinstance(message.body, str) else message.body.decode("latin-1")
    if name == "no-text":
        body = base64.b64decode(body).decode("latin-1")
    assert (times, told["headers"], body) == (1, message.headers, expected)
    assert (message.rejected, parked_chunks(engine)) == (1, 1)


@pytest.mark.usefixtures("engine")
def test_a_task_of_ours_is_handed_on(consumer: DeadLetterConsumer, redis: Any) -> None:
    message = Message(TASK, {"task": INGEST_TASK, "id": "1"})
    consumer.create_task_handler()(message)
    assert (parked(redis), message.rejected) == ({}, 0)


def test_what_cannot_be_parked_stays_unacknowledged(
    consumer: DeadLetterConsumer,
    redis: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = engine_on(AwayRedis(redis, 10**9))
    monkeypatch.setattr(dead_letter_consumer, "holder", Holder(away))
    message = Message("{", {"task": INGEST_TASK})
    with caplog.at_level(logging.ERROR):
        consumer.create_task_handler()(message)
    assert (message.rejected, parked_chunks(away)) == (0, 0)
    assert "could not be dead-lettered" in caplog.text


# --- how they are described ---------------------------------------------------------------------


def test_the_doctor_tells_how_many_are_parked_and_what_to_do() -> None:
    assert list(dead_letters(DeadLetterCount(0, 0))) == []
    [finding] = dead_letters(DeadLetterCount(1200, 3400))
    assert "1,200 messages" in finding.message
    assert "3,400 times" in finding.message
    assert finding.fix is not None
    assert DEAD_LETTERS_KEY in finding.fix
