from __future__ import annotations

import pytest

from api.middleware.rate_limit import RateLimiter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_is_taken_at_once_and_then_one_waits(clock: Clock) -> None:
    rate = RateLimiter(4, 3, clock=clock)
    assert [rate.take("a") for _ in range(4)] == [0, 0, 0, 0.25]


def test_who_waits_as_told_is_let_in_once(clock: Clock) -> None:
    rate = RateLimiter(4, 1, clock=clock)
    assert rate.take("a") == 0
    clock.now += rate.take("a")
    assert [rate.take("a"), rate.take("a")] == [0, 0.25]


def test_asking_while_refused_costs_nothing(clock: Clock) -> None:
    rate = RateLimiter(1, 1, clock=clock)
    rate.take("a")
    for _ in range(9):
        clock.now += 0.1
        assert rate.take("a") > 0
    clock.now += 0.11
    assert rate.take("a") == 0


def test_no_more_than_the_burst_is_saved_up(clock: Clock) -> None:
    rate = RateLimiter(10, 2, clock=clock)
    rate.take("a")
    clock.now += 3600
    assert [rate.take("a") == 0 for _ in range(3)] == [True, True, False]


def test_each_key_has_its_own(clock: Clock) -> None:
    rate = RateLimiter(1, 1, clock=clock)
    assert [rate.take("a"), rate.take("b")] == [0, 0]
    assert rate.take("a") > 0
