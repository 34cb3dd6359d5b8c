"""Messages made from a template, compared with those that Celery sends itself, on a real Redis."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from vitrine.core.errors import LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.core.types import new_job_id
from vitrine.messaging import broker
from vitrine.messaging.broker import (
    BROKER_PREFIX,
    INGEST_TASK,
    Publisher,
    ingest_queue,
    make_app,
    query_queue,
)

OWN = ("headers.id", "headers.root_id", "properties.correlation_id", "properties.delivery_tag")
"""Fields that differ in every message."""


@pytest.fixture
def settings(redis_server: str) -> Settings:
    return Settings(redis_url=SecretStr(redis_server))


@pytest.fixture
def publisher(settings: Settings) -> Iterator[Publisher]:
    made = Publisher(settings)
    yield made
    made.close()


@pytest.fixture
def queue(redis_server: str) -> Iterator[tuple[Redis, str]]:
    """A model for this test only, and the Redis with its queue."""
    redis, model = Redis.from_url(redis_server), f"m{new_job_id()}"
    yield redis, model
    name = ingest_queue(model)
    kinds = ("", "_kombu.binding.", "_kombu.binding_permanent.")
    redis.delete(*(f"{BROKER_PREFIX}{kind}{name}" for kind in kinds))
    redis.close()


def waiting(queue: tuple[Redis, str]) -> list[Any]:
    """Return the messages in the order in which a worker takes them, with decoded bodies."""
    redis, model = queue
    raw = [json.loads(m) for m in redis.lrange(f"{BROKER_PREFIX}{ingest_queue(model)}", 0, -1)]
    return [m | {"body": json.loads(base64.b64decode(m["body"]))} for m in reversed(raw)]


def flat(message: dict[str, Any], above: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in message.items():
        inner = isinstance(value, dict) and value
        leaves |= flat(value, f"{above}{name}.") if inner else {f"{above}{name}": value}
    return leaves


def test_a_message_is_what_celery_would_have_sent(
    settings: Settings, publisher: Publisher, queue: tuple[Redis, str]
) -> None:
    model = queue[1]
    app = make_app(lambda: settings)
    app.send_task(
        INGEST_TASK, args=[1, "0123456789ab", 7], queue=ingest_queue(model),
        argsrepr="job=0123456789ab chunk=7",
    )  # fmt: skip
    app.close()
    publisher.publish("0123456789ab", [7], model)
    theirs, ours = map(flat, waiting(queue))
    assert ours.keys() == theirs.keys()
    # Each app has its own reply address; no replies are sent.
    assert {name for name in ours if ours[name] != theirs[name]} == {*OWN, "properties.reply_to"}
    assert ours["headers.id"] == ours["headers.root_id"] == ours["properties.correlation_id"]


def test_messages_lie_in_the_order_of_their_chunks_each_with_ids_of_its_own(
    publisher: Publisher, queue: tuple[Redis, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "_AT_ONCE", 4)
    publisher.publish("0123456789ab", range(10), queue[1])
    found = waiting(queue)
    assert [message["body"][0] for message in found] == [[1, "0123456789ab", n] for n in range(10)]
    for name in OWN:
        assert len({flat(message)[name] for message in found}) == 10


def test_a_group_of_queries_is_one_message_that_shows_the_first_and_how_many_more(
    publisher: Publisher, queue: tuple[Redis, str]
) -> None:
    redis, model = queue
    name = f"{BROKER_PREFIX}{query_queue(model)}"
    publisher.publish_query("c0ffee.0", model)
    publisher.publish_query("c0ffee.1,c0ffee.2,c0ffee.3", model)
    found = [json.loads(raw) for raw in reversed(redis.lrange(name, 0, -1))]
    redis.delete(name)
    shown = [message["headers"]["argsrepr"] for message in found]
    assert shown == ["query=c0ffee.0", "query=c0ffee.1 and 2 more"]
    args = [json.loads(base64.b64decode(message["body"]))[0] for message in found]
    assert args == [[1, "c0ffee.0"], [1, "c0ffee.1,c0ffee.2,c0ffee.3"]]


def test_a_redis_that_is_away_is_named_and_its_url_is_not() -> None:
    publisher = Publisher(Settings(redis_url=SecretStr("redis://:hunter2@127.0.0.1:1/0")))
    with pytest.raises(LedgerUnavailable) as caught:
        publisher.publish("0123456789ab", [0], "builtin")
    publisher.close()
    assert "hunter2" not in str(caught.value) + repr(caught.value)
