"""The stages of a chunk's pictures: where they are, how long they were there, and when a stage was busy."""

from __future__ import annotations

import threading

import pytest

from tests.approx import near
from vitrine.core.types import StageTotal
from vitrine.telemetry.stage_times import StageTimes


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_pictures_are_where_they_went_and_their_seconds_add_up() -> None:
    clock = Clock()
    times = StageTimes(clock)
    for _ in range(3):
        times.move(None, "fetch")
        clock.now += 1
    times.move("fetch", "decode")  # after 3 s
    times.move("fetch", None)  # after 2 s
    assert times.inside() == {"fetch": 1, "decode": 1}
    clock.now += 0.5
    times.move("decode", None)
    times.move("fetch", None)  # after 1.5 s
    assert times.inside() == {}
    assert times.totals() == {
        "fetch": StageTotal(3, near(6.5)),
        "decode": StageTotal(1, near(0.5)),
    }


def test_whoever_is_still_inside_counts_until_now() -> None:
    clock = Clock()
    times = StageTimes(clock)
    times.move(None, "batch", 4)
    clock.now += 2
    assert times.totals() == {"batch": StageTotal(4, near(8.0))}


def test_a_block_has_its_pictures_in_the_stage_also_when_it_fails() -> None:
    clock = Clock()
    times = StageTimes(clock)

    def fail_within() -> None:
        with times.during("upsert", 64):
            assert times.inside() == {"upsert": 64}
            clock.now += 0.25
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    assert times.totals() == {"upsert": StageTotal(64, near(16.0))}
    assert times.inside() == {}


def test_a_block_without_pictures_has_a_time_and_no_total() -> None:
    times = StageTimes(Clock())
    with times.during("upsert", 0):
        pass
    assert [name for name, _, _ in times.spans()] == ["upsert"]
    assert times.totals() == {}


def test_spans_are_from_the_first_moment_to_the_last_in_the_order_of_beginning() -> None:
    clock = Clock()
    times = StageTimes(clock)
    times.move(None, "fetch")
    clock.now += 1
    times.move("fetch", "decode")
    times.move(None, "fetch")
    clock.now += 1
    times.move("decode", None)
    times.move("fetch", None)
    began = 1_000_000.0
    assert times.spans() == [("fetch", began, began + 2), ("decode", began + 1, began + 2)]


def test_many_threads_lose_no_picture() -> None:
    times = StageTimes()

    def walk() -> None:
        for _ in range(500):
            times.move(None, "fetch")
            times.move("fetch", "decode")
            times.move("decode", None)

    threads = [threading.Thread(target=walk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert times.inside() == {}
    assert {name: total.pictures for name, total in times.totals().items()} == {
        "fetch": 2000, "decode": 2000,
    }  # fmt: skip
