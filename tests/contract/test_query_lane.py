"""The query lane over a real Redis: the client's end, the worker's end, and the registry of live workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import orjson
import pytest
from pydantic import SecretStr
from redis import Redis

from tests.patience import PATIENCE
from vitrine.core.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason
from vitrine.messaging import worker_registry
from vitrine.messaging.worker_registry import WORKERS_KEY, StoreOutage, WorkerInfo
from vitrine.query import call
from vitrine.query.client import Query, QueryAnswer, QueryClient, QueryVector, UnusablePicture
from vitrine.query.protocol import reply_key
from vitrine.store.base import EmbeddingSpace
from workers.query import inbox

VECTOR = np.array([0.6, 0.8], np.float32)
PICTURE = Query("image", b"\x00picture\nwith lines")


def worker(*, model: str = "lane-model", supports_text: bool = False) -> WorkerInfo:
    return WorkerInfo(f"{model}@test", model, "r1", "rgb-1", 2, "cpu", supports_text, 1, 0.0)


_at_work: list[threading.Thread] = []
"""Threads of workers' ends that have replied but may not have ended yet."""


class Messages:
    """Passes query messages directly to a worker's end instead of through the queue."""

    def __init__(self, redis: Redis, handle: Callable[[Redis, str], None]) -> None:
        self._redis = redis
        self._handle = handle
        self.sent: list[list[str]] = []

    def publish_query(self, request: str, model: str) -> None:
        assert model == "lane-model"
        self.sent.append(request.split(","))
        thread = threading.Thread(target=self._handle, args=(self._redis, request))
        _at_work.append(thread)
        thread.start()

    def close(self) -> None:
        return


@pytest.fixture
def redis(private_redis: str) -> Iterator[Redis]:
    with Redis.from_url(private_redis) as client:
        client.delete(WORKERS_KEY)
        worker_registry.register_worker(client, worker())
        yield client
        while _at_work:
            _at_work.pop().join(PATIENCE)
        client.delete(WORKERS_KEY)


def lane_and_messages(
    redis: Redis, handle: Callable[[Redis, str], None], timeout: float = PATIENCE
) -> tuple[QueryClient, Messages]:
    messages = Messages(redis, handle)
    return QueryClient(redis, messages, timeout=timeout), messages  # type: ignore[arg-type]


def lane(
    redis: Redis, handle: Callable[[Redis, str], None], timeout: float = PATIENCE
) -> QueryClient:
    return lane_and_messages(redis, handle, timeout)[0]


def answering(how: Callable[[Query], QueryAnswer]) -> Callable[[Redis, str], None]:
    """Return a worker's end that answers each question with `how`."""

    def handle(redis: Redis, requests: str) -> None:
        taken = inbox.take_questions(redis, requests.split(","))
        inbox.send_replies(redis, {one.request: how(one.query) for one in taken})

    return handle


def numbered(query: Query) -> QueryAnswer:
    """Return a vector that identifies its question."""
    return QueryVector(np.array([float(query.data), 0.0], np.float32), worker().space)


def answer(redis: Redis, request: str) -> None:
    (taken,) = inbox.take_questions(redis, [request])
    assert taken.query == PICTURE
    inbox.send_replies(redis, {request: QueryVector(VECTOR, worker().space)})
    assert inbox.take_questions(redis, [request]) == []


def nothing_is_left(redis: Redis) -> bool:
    return not [*redis.scan_iter("vitrine:query:*"), *redis.scan_iter("vitrine:reply:*")]


def test_a_question_comes_back_as_a_vector_in_its_space(redis: Redis) -> None:
    found = lane(redis, answer).embed("lane-model", PICTURE)
    np.testing.assert_array_equal(found.vector, VECTOR)
    assert found.space == EmbeddingSpace("lane-model", "r1", "rgb-1", 2)
    assert nothing_is_left(redis)


def test_many_questions_come_back_in_their_order_whatever_the_order_of_the_answers(
    redis: Redis,
) -> None:
    def backwards(redis: Redis, requests: str) -> None:
        for one in reversed(inbox.take_questions(redis, requests.split(","))):
            inbox.send_replies(redis, {one.request: numbered(one.query)})

    asked = [Query("image", str(number).encode()) for number in range(1000)]
    asking, messages = lane_and_messages(redis, backwards)
    found = asking.embed_many("lane-model", asked)
    assert [one.vector[0] for one in found if isinstance(one, QueryVector)] == [*range(1000)]
    assert {len(group) for group in messages.sent} == {16, 1000 % 16}
    assert nothing_is_left(redis)


def test_one_question_that_is_refused_fails_no_other(redis: Redis) -> None:
    gone = UnusablePicture(FailureReason.NOT_FOUND, "the host answered 404")

    def half(query: Query) -> QueryAnswer:
        return gone if query.kind == "url" else numbered(query)

    asked = [Query("image", b"1"), Query("url", b"https://shop.example/2"), Query("image", b"3")]
    first, second, third = lane(redis, answering(half)).embed_many("lane-model", asked)
    assert isinstance(first, QueryVector)
    assert isinstance(third, QueryVector)
    assert isinstance(second, UnusablePicture)
    assert (second.reason, second.detail) == (gone.reason, gone.detail)
    assert str(second) == str(gone)


def test_no_questions_have_no_answers(redis: Redis) -> None:
    asking, messages = lane_and_messages(redis, answer)
    assert asking.embed_many("lane-model", []) == []
    assert messages.sent == []


def test_large_questions_go_in_messages_of_their_own(redis: Redis) -> None:
    large = b"1".rjust(call.BYTES_PER_MESSAGE // 2 + 1, b"0")
    asking, messages = lane_and_messages(redis, answering(numbered))
    found = asking.embed_many("lane-model", [Query("image", large)] * 3)
    assert all(isinstance(one, QueryVector) for one in found)
    assert [len(group) for group in messages.sent] == [1, 1, 1]


def test_what_is_out_at_once_is_bounded_and_the_rest_follows_the_answers(redis: Redis) -> None:
    seen: list[int] = []

    def counting(query: Query) -> QueryAnswer:
        seen.append(len([*redis.scan_iter("vitrine:query:*", count=5000)]))
        return numbered(query)

    asked = [Query("image", b"1")] * (2 * call.MAX_IN_FLIGHT)
    found = lane(redis, answering(counting)).embed_many("lane-model", asked)
    assert all(isinstance(one, QueryVector) for one in found)
    assert max(seen) < call.MAX_IN_FLIGHT


def test_what_is_not_answered_in_time_says_so_and_is_taken_back(redis: Redis) -> None:
    def the_first(redis: Redis, requests: str) -> None:
        name, *_ = requests.split(",")
        (taken,) = inbox.take_questions(redis, [name])
        inbox.send_replies(redis, {name: numbered(taken.query)})

    asked = [Query("image", b"1"), Query("image", b"2")]
    seconds = 0.5
    good, late = lane(redis, the_first).embed_many("lane-model", asked, timeout=seconds)
    while not isinstance(good, QueryVector):  # This machine was too slow for the first one.
        seconds *= 2
        good, late = lane(redis, the_first).embed_many("lane-model", asked, timeout=seconds)
    assert isinstance(late, ModelUnavailable)
    assert f"answered within {seconds:g} s" in late.message
    assert [*redis.scan_iter("vitrine:query:*")] == []


def test_a_worker_learns_how_long_its_asker_waits(redis: Redis) -> None:
    left: list[float] = []

    def look(redis: Redis, requests: str) -> None:
        before = time.monotonic()
        (taken,) = inbox.take_questions(redis, requests.split(","))
        left.append(taken.until - before)
        inbox.send_replies(redis, {taken.request: QueryVector(VECTOR, worker().space)})

    lane(redis, look).embed_many("lane-model", [PICTURE], timeout=10_000.0)
    assert 5_000 < left[0] <= 10_000.5


def test_pixels_arrive_as_they_were_sent(redis: Redis) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    seen: list[Query] = []

    def look(query: Query) -> QueryAnswer:
        seen.append(query)
        return QueryVector(VECTOR, worker().space)

    lane(redis, answering(look)).embed("lane-model", Query.of_pixels(pixels))
    np.testing.assert_array_equal(seen[0].pixels(), pixels)


@pytest.mark.parametrize(
    "query",
    [
        Query("pixels", b"\x00" * 12, (3, 2)),
        Query("pixels", b"\x00" * 11, (3,)),
        Query("pixels", b"\x00" * 4),
    ],
    ids=["too few", "half a number", "no shape"],
)
def test_pixels_that_are_not_of_their_shape_are_refused(query: Query) -> None:
    with pytest.raises(BadInput, match="does not match their shape"):
        query.pixels()


def test_that_a_picture_shall_be_grey_arrives(redis: Redis) -> None:
    seen: list[bool] = []

    def look(query: Query) -> QueryAnswer:
        seen.append(query.grey)
        return QueryVector(VECTOR, worker().space)

    asked = [Query("image", b"1", grey=True), Query("image", b"2")]
    lane(redis, answering(look)).embed_many("lane-model", asked)
    assert sorted(seen) == [False, True]


def test_a_workers_refusal_is_raised_with_what_to_do(redis: Redis) -> None:
    def refuse(query: Query) -> VitrineError:
        return BadInput("It is no picture.", hint="Send a JPEG.")

    with pytest.raises(BadInput, match="Send a JPEG"):
        lane(redis, answering(refuse)).embed("lane-model", Query("image", b"junk"))


def test_words_need_a_worker_with_a_text_tower_and_pictures_beside_them_do_not(
    redis: Redis,
) -> None:
    with pytest.raises(BadInput, match="pictures only, not text"):
        lane(redis, answer).embed("lane-model", Query("text", b"red"))
    asked = [Query("text", b"red"), Query("image", b"1")]
    words, picture = lane(redis, answering(numbered)).embed_many("lane-model", asked)
    assert isinstance(words, BadInput)
    assert isinstance(picture, QueryVector)


def test_without_a_worker_the_question_is_not_even_asked(redis: Redis) -> None:
    worker_registry.deregister_worker(redis, worker().node)
    with pytest.raises(ModelUnavailable, match="vitrine worker --model lane-model"):
        lane(redis, answer).embed("lane-model", Query("image", b""))


def test_a_silent_worker_is_given_up_and_the_question_taken_back(redis: Redis) -> None:
    with pytest.raises(ModelUnavailable, match="answered within"):
        lane(redis, lambda *_: None, timeout=0.1).embed("lane-model", Query("image", b""))
    assert list(redis.scan_iter("vitrine:query:*")) == []


def test_answers_for_somebody_who_has_gone_go_by_themselves(redis: Redis) -> None:
    inbox.send_replies(redis, {"gone.0": BadInput("Too late."), "gone.1": BadInput("Too late.")})
    assert 0 < redis.ttl(reply_key("gone.1")) <= inbox.REPLY_SECONDS


def test_workers_are_seen_until_they_leave_or_fall_silent(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_registry.register_worker(redis, worker(model="other"))
    assert [w.model for w in worker_registry.live_workers(redis)] == ["lane-model", "other"]
    assert worker_registry.live_workers(redis, "other") == [worker(model="other")]
    worker_registry.deregister_worker(redis, "other@test")
    assert [w.model for w in worker_registry.live_workers(redis)] == ["lane-model"]
    monkeypatch.setattr(worker_registry, "STALE_SECONDS", -1.0)
    assert worker_registry.live_workers(redis) == []
    assert redis.hlen(WORKERS_KEY) == 0


def test_that_a_worker_cannot_store_is_seen_by_others(redis: Redis) -> None:
    told = replace(worker(), store_away=StoreOutage(1000.0, "It answered 503."))
    worker_registry.register_worker(redis, told)
    assert worker_registry.live_workers(redis) == [told]


def test_a_line_from_before_the_clock_was_set_back_grows_old_all_the_same(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = orjson.loads(redis.hget(WORKERS_KEY, worker().node) or b"")
    redis.hset(WORKERS_KEY, worker().node, orjson.dumps({**line, "seen": line["seen"] + 3600}))
    assert worker_registry.live_workers(redis) == [worker()]
    monkeypatch.setattr(worker_registry, "STALE_SECONDS", -1.0)
    assert worker_registry.live_workers(redis) == []


def test_the_lane_opens_from_settings_and_closes(private_redis: str, redis: Redis) -> None:
    opened = QueryClient.open(Settings(redis_url=SecretStr(private_redis)))
    assert opened.workers("nobody") == []
    opened.close()
