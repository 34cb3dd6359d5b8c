from __future__ import annotations

from workers.circuit_breaker import BreakerPolicy, CircuitBreaker

TERMS = BreakerPolicy(opens_after=3, first_pause=8.0, longest_pause=20.0, probe=30.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def upper(low: float, high: float) -> float:
    assert low == high / 2
    return high


def made(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(TERMS, clock=clock, chance=upper)


def fail(breaker: CircuitBreaker, times: int = 3, asked: float = 0.0) -> list[bool]:
    answers = []
    for _ in range(times):
        breaker.begin()
        answers.append(breaker.failed(asked))
    return answers


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = made(Clock())
    assert fail(breaker, 2) == [False, False]
    assert breaker.succeeded() is False
    assert fail(breaker) == [False, False, True]
    assert breaker.open
    assert breaker.remaining() == 8.0


def test_who_asks_to_be_left_alone_is_at_once_and_for_as_long() -> None:
    breaker = made(Clock())
    assert fail(breaker, 1, asked=50.0) == [True]
    assert breaker.remaining() == 50.0


def test_after_the_pause_one_probe_goes_and_nobody_else() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker)
    clock.now += 8
    assert breaker.remaining() == 0.0
    assert breaker.probing_for() is None
    breaker.begin()
    clock.now += 1
    assert breaker.remaining() == 29.0
    assert breaker.probing_for() == 1.0


def test_each_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker)
    pauses = []
    for _ in range(4):
        pauses.append(breaker.remaining())
        clock.now += breaker.remaining()
        fail(breaker, 1)
    assert pauses == [8.0, 16.0, 20.0, 20.0]


def test_a_probe_that_succeeds_closes_it_and_all_is_forgotten() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker)
    clock.now += 8
    fail(breaker, 1)
    clock.now += 16
    breaker.begin()
    assert breaker.succeeded() is True
    assert (breaker.open, breaker.remaining(), breaker.failures) == (False, 0.0, 0)
    fail(breaker)
    assert breaker.remaining() == 8.0


def test_an_answer_that_proves_little_closes_it_until_the_next_failure() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker)
    clock.now += 8
    breaker.begin()
    assert breaker.answered() is True
    assert not breaker.open
    assert fail(breaker, 1) == [True]
    assert breaker.remaining() == 16.0


def test_calls_from_before_it_opened_change_nothing_when_they_fail() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker)
    clock.now += 5
    for _ in range(20):
        assert breaker.failed() is False
    assert breaker.remaining() == 3.0


def test_a_probe_that_never_tells_its_end_makes_room_for_another() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker)
    clock.now += 8
    breaker.begin()
    clock.now += 30
    assert breaker.remaining() == 0.0
    assert breaker.probing_for() is None
