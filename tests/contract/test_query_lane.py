"""The query lane over a real Redis: the asker's end against the worker's, and the workers' presence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import orjson
import pytest
from pydantic import SecretStr
from redis import Redis

from vitrine import presence, query_lane
from vitrine.errors import BadInput, ModelUnavailable
from vitrine.presence import WORKERS_KEY, StoreAway, WorkerInfo
from vitrine.query_lane import Query, QueryLane
from vitrine.settings import Settings
from vitrine.vectors.base import Space

VECTOR = np.array([0.6, 0.8], np.float32)


def worker(*, model: str = "lane-model", supports_text: bool = False) -> WorkerInfo:
    return WorkerInfo(f"{model}@test", model, "r1", "rgb-1", 2, "cpu", supports_text, 1, 0.0)


class Messages:
    """The messages of queries, handed to a worker's end at once instead of through the queue."""

    def __init__(self, redis: Redis, handle: Callable[[Redis, str], None]) -> None:
        self._redis = redis
        self._handle = handle

    def publish_query(self, request: str, model: str) -> None:
        assert model == "lane-model"
        threading.Thread(target=self._handle, args=(self._redis, request)).start()

    def close(self) -> None:
        return


@pytest.fixture
def redis(private_redis: str) -> Iterator[Redis]:
    with Redis.from_url(private_redis) as client:
        client.delete(WORKERS_KEY)
        yield client
        client.delete(WORKERS_KEY)


def lane(redis: Redis, handle: Callable[[Redis, str], None], timeout: float = 20.0) -> QueryLane:
    return QueryLane(redis, Messages(redis, handle), timeout=timeout)  # type: ignore[arg-type]


def answer(redis: Redis, request: str) -> None:
    query = query_lane.take(redis, request)
    assert query == Query("image", b"\x00picture\nwith lines")
    query_lane.answer(redis, request, VECTOR, worker().space)
    assert query_lane.take(redis, request) is None


def test_a_question_comes_back_as_a_vector_in_its_space(redis: Redis) -> None:
    presence.beat(redis, worker())
    found = lane(redis, answer).embed("lane-model", Query("image", b"\x00picture\nwith lines"))
    np.testing.assert_array_equal(found.vector, VECTOR)
    assert found.space == Space("lane-model", "r1", "rgb-1", 2)
    assert list(redis.scan_iter("vitrine:query:*")) == []
    assert list(redis.scan_iter("vitrine:reply:*")) == []


def test_a_workers_refusal_is_raised_with_what_to_do(redis: Redis) -> None:
    presence.beat(redis, worker())

    def refuse(redis: Redis, request: str) -> None:
        query_lane.refuse(redis, request, BadInput("It is no picture.", hint="Send a JPEG."))

    with pytest.raises(BadInput, match="Send a JPEG"):
        lane(redis, refuse).embed("lane-model", Query("image", b"junk"))


def test_words_need_a_worker_with_a_text_tower(redis: Redis) -> None:
    presence.beat(redis, worker())
    with pytest.raises(BadInput, match="no text tower"):
        lane(redis, answer).embed("lane-model", Query("text", b"red"))


def test_without_a_worker_the_question_is_not_even_asked(redis: Redis) -> None:
    with pytest.raises(ModelUnavailable, match="vitrine worker --model lane-model"):
        lane(redis, answer).embed("lane-model", Query("image", b""))


def test_a_silent_worker_is_given_up_and_the_question_taken_back(redis: Redis) -> None:
    presence.beat(redis, worker())
    with pytest.raises(ModelUnavailable, match="answered within"):
        lane(redis, lambda *_: None, timeout=0.1).embed("lane-model", Query("image", b""))
    assert list(redis.scan_iter("vitrine:query:*")) == []


def test_workers_are_seen_until_they_leave_or_fall_silent(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence.beat(redis, worker())
    presence.beat(redis, worker(model="other"))
    assert [w.model for w in presence.live_workers(redis)] == ["lane-model", "other"]
    assert presence.live_workers(redis, "other") == [worker(model="other")]
    presence.leave(redis, "other@test")
    assert [w.model for w in presence.live_workers(redis)] == ["lane-model"]
    monkeypatch.setattr(presence, "STALE_SECONDS", -1.0)
    assert presence.live_workers(redis) == []
    assert redis.hlen(WORKERS_KEY) == 0


def test_that_a_worker_cannot_store_is_seen_by_others(redis: Redis) -> None:
    told = replace(worker(), store_away=StoreAway(1000.0, "It answered 503."))
    presence.beat(redis, told)
    assert presence.live_workers(redis) == [told]


def test_a_line_from_before_the_clock_was_set_back_grows_old_all_the_same(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence.beat(redis, worker())
    line = orjson.loads(redis.hget(WORKERS_KEY, worker().node) or b"")
    redis.hset(WORKERS_KEY, worker().node, orjson.dumps({**line, "seen": line["seen"] + 3600}))
    assert presence.live_workers(redis) == [worker()]
    monkeypatch.setattr(presence, "STALE_SECONDS", -1.0)
    assert presence.live_workers(redis) == []


def test_the_lane_opens_from_settings_and_closes(private_redis: str, redis: Redis) -> None:
    opened = QueryLane.open(Settings(redis_url=SecretStr(private_redis)))
    assert opened.workers("nobody") == []
    opened.close()
