"""Chunks and an unreachable store: which chunk probes it and when, and what the others learn."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from tests.unit.workers.ingest.chunk_fixture import Workshop, png, url
from vitrine.core.errors import StoreRejected, StoreUnavailable
from vitrine.messaging.worker_registry import StoreOutage
from vitrine.store.base import PointBatch
from vitrine.testing.memory_store import MemoryStore
from workers.ingest.store_breaker import TERMS, StoreBreaker
from workers.ingest.upsert import ChunkStore

AWAY = StoreUnavailable("The store process answered 503 without a reason.")


class Time:
    """A clock that only advances by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Failing(MemoryStore):
    """Is unreachable until the time `back`; records its calls and their times."""

    def __init__(self, time: Time, back: float, error: StoreUnavailable = AWAY) -> None:
        super().__init__()
        self._time = time
        self._back = back
        self._error = error
        self.asked: list[tuple[str, float]] = []

    def _ask(self, what: str) -> None:
        self.asked.append((what, self._time.now))
        if self._time.now < self._back:
            raise self._error

    def ping(self) -> None:
        self._ask("ping")

    def upsert(self, name: str, points: PointBatch) -> None:
        self._ask("upsert")
        super().upsert(name, points)


def away(breaker: StoreBreaker) -> StoreOutage | None:
    """Read the present value: a type checker assumes that a property does not change."""
    return breaker.away


def breaker_of(time: Time) -> StoreBreaker:
    return StoreBreaker(clock=time, chance=lambda _low, high: high, unix_time=time)


def shop_with(
    store: Failing, time: Time, breaker: StoreBreaker, patience: float = 60.0
) -> Workshop:
    shop = Workshop({url(n): png((n, 0, 0)) for n in range(4)}, store=store)
    chunks = ChunkStore(
        store, shop.stages.space, patience=patience, breaker=breaker, clock=time, sleep=time.sleep
    )
    shop.use(chunks)
    return shop


def opened(breaker: StoreBreaker, error: StoreUnavailable = AWAY) -> None:
    def fail() -> None:
        raise error

    for _ in range(TERMS.opens_after):
        with pytest.raises(StoreUnavailable):
            breaker.call(fail)


def test_it_tells_since_when_and_why_until_the_store_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = Time()
    breaker = breaker_of(time)
    assert away(breaker) is None
    opened(breaker)
    time.now += 7
    assert away(breaker) == StoreOutage(1000.0, AWAY.message)
    with caplog.at_level(logging.WARNING):
        breaker.call(lambda: None)
    assert away(breaker) is None
    assert "back after 7.0 s" in caplog.text


def test_the_log_says_once_that_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    store = Failing(time, back=1020.0)
    with shop_with(store, time, breaker_of(time)) as shop:
        shop.ingest(shop.job(4))
    away = [record for record in caplog.records if "does not respond" in record.message]
    assert [record.levelname for record in away] == ["ERROR"]


def test_finished_vectors_wait_and_are_asked_about_ever_more_rarely() -> None:
    time = Time()
    store = Failing(time, back=1025.0)
    with shop_with(store, time, breaker_of(time)) as shop:
        assert shop.ingest(shop.job(4)) == {"embedded": 4, "failed": 0, "put_off": 0}
    asked = [when for what, when in store.asked if what == "upsert"]
    waits = [later - earlier for earlier, later in pairwise(asked)]
    # Two tries by the chunk, then the breaker's: 1, 2, 4, 8 and 10 s, each noticed within one polling interval.
    assert len(asked) == 8
    assert waits[2:] == pytest.approx([1.0, 2.0, 4.0, 8.0, 10.0], abs=0.5)


def test_while_one_chunk_is_the_probe_no_other_asks() -> None:
    time = Time()
    breaker = breaker_of(time)
    opened(breaker)
    time.now += 1.0
    assert breaker.turn() == 0.0
    assert breaker.turn() == TERMS.probe


def test_a_store_that_says_when_to_come_back_is_not_asked_before() -> None:
    time = Time()
    store = Failing(time, back=1020.0, error=StoreUnavailable("Too many.", retry_after=30.0))
    with shop_with(store, time, breaker_of(time)) as shop:
        shop.ingest(shop.job(4))
    first, second = [when for what, when in store.asked if what == "upsert"]
    assert first == 1000.0
    assert 1030.0 <= second < 1031.0


def test_a_store_that_asks_for_days_is_asked_again_after_minutes() -> None:
    time = Time()
    breaker = breaker_of(time)
    opened(breaker, StoreUnavailable("Too many.", retry_after=1e6))
    assert 0 < breaker.turn() <= 300.0


def test_a_chunk_is_given_back_when_the_patience_ends_and_nothing_counts_as_done() -> None:
    time = Time()
    store = Failing(time, back=5000.0)
    with shop_with(store, time, breaker_of(time), patience=20.0) as shop:
        job = shop.job(4)
        assert shop.ingest(job) == {"given_back": "store_unavailable"}
        assert shop.ledger.status(job).pending == 4
    assert time.now <= 1020.0


def test_no_chunk_is_begun_while_the_store_is_away() -> None:
    time = Time()
    breaker = breaker_of(time)
    opened(breaker)
    store = Failing(time, back=1010.0)
    with shop_with(store, time, breaker) as shop:
        begun: list[float] = []
        fetch = shop.source.fetch

        def noted(*args: object, **named: object) -> object:
            begun.append(time.now)
            return fetch(*args, **named)  # type: ignore[arg-type]

        shop.source.fetch = noted  # type: ignore[method-assign,assignment]
        assert shop.ingest(shop.job(4))["embedded"] == 4
    assert min(begun) >= 1010.0
    # No chunk had vectors, so the store was only pinged, by one chunk at a time.
    assert [what for what, _ in store.asked[:-1]] == ["ping"] * (len(store.asked) - 1)
    assert len(store.asked) <= 6


def test_a_store_that_answers_and_takes_nothing_is_left_alone_again_at_once() -> None:
    time = Time()
    breaker = breaker_of(time)
    opened(breaker)
    time.now += 1.0
    assert breaker.turn() == 0.0
    breaker.call(lambda: None, proves=False)
    assert away(breaker) is None

    def fail() -> None:
        raise AWAY

    with pytest.raises(StoreUnavailable):
        breaker.call(fail)
    assert away(breaker) is not None
    assert breaker.turn() == 2.0


def test_a_refusal_shows_that_the_store_is_there() -> None:
    time = Time()
    breaker = breaker_of(time)
    opened(breaker)

    def refuse() -> None:
        raise StoreRejected("Not that one.")

    with pytest.raises(StoreRejected):
        breaker.call(refuse)
    assert away(breaker) is None


def test_a_process_that_is_to_stop_waits_for_no_store() -> None:
    time = Time()
    breaker = breaker_of(time)
    opened(breaker)
    store = Failing(time, back=5000.0)
    with shop_with(store, time, breaker) as shop:
        chunks = ChunkStore(
            store, shop.stages.space, stopping=lambda: True, breaker=breaker,
            clock=time, sleep=time.sleep,
        )  # fmt: skip
        chunks.wait_until_back()
        with pytest.raises(StoreUnavailable, match="503"):
            chunks.ensure("shop")
    assert time.now == 1000.0
    assert store.asked == []
