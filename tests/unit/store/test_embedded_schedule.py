"""When the embedded store builds a graph, with a shard of which only the counts are real."""

from __future__ import annotations

import pytest

from vitrine.core.store_options import StoreOptions
from vitrine.store import IndexState
from vitrine.store.embedded.generation import EmbeddedGeneration
from vitrine.store.embedded.schedule import (
    DEFER_SECONDS,
    FAILED_SECONDS,
    QUIET_SECONDS,
    BuildSchedule,
)

ENOUGH = 100


class Shard(EmbeddedGeneration):
    """A shard's counts, without an engine."""

    def __init__(self) -> None:
        self.points = 0
        self.in_graph = 0
        self.dirty = False

    def progress(self) -> tuple[int, int]:
        return self.points, self.in_graph


class Bench:
    """A shard, its schedule, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.shard = Shard()
        self.schedule = BuildSchedule(StoreOptions(index_points=ENOUGH), clock=lambda: self.now)

    def write(self, points: int) -> None:
        self.shard.points += points
        self.schedule.written(self.shard)

    def build(self, *, into_graph: int, built: bool = True) -> None:
        self.schedule.begun(self.shard)
        self.shard.in_graph += into_graph
        self.schedule.ended(self.shard, built=built)

    def due(self) -> bool:
        return self.schedule.due(self.shard)

    def green(self) -> bool:
        return self.schedule.state(self.shard).green


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_build_nobody_asked_for_waits_for_a_pause(bench: Bench) -> None:
    bench.write(ENOUGH)
    assert not bench.due()
    bench.now += QUIET_SECONDS
    assert bench.due()
    bench.shard.dirty = True
    assert not bench.due()


def test_a_build_that_was_asked_for_does_not(bench: Bench) -> None:
    bench.write(ENOUGH)
    bench.schedule.want(bench.shard)
    assert bench.due()


def test_too_few_points_are_left_and_a_later_load_is_not_built_amid(bench: Bench) -> None:
    bench.write(ENOUGH - 1)
    bench.schedule.want(bench.shard)
    assert not bench.due()
    assert bench.green()
    bench.write(1)
    assert not bench.due()


def test_a_large_collection_waits_for_a_share_of_new_points(bench: Bench) -> None:
    bench.write(10 * ENOUGH)
    bench.build(into_graph=10 * ENOUGH)
    bench.write(ENOUGH + 1)
    bench.schedule.want(bench.shard)
    assert not bench.due()
    bench.write(ENOUGH)
    bench.schedule.want(bench.shard)
    assert bench.due()


def test_a_deferral_holds_builds_off_until_it_lapses(bench: Bench) -> None:
    bench.write(ENOUGH)
    bench.schedule.want(bench.shard)
    bench.schedule.defer(bench.shard)
    assert bench.schedule.state(bench.shard) == IndexState(ENOUGH, 0, deferred=True, green=False)
    bench.now += DEFER_SECONDS - 1
    assert not bench.due()
    bench.now += 1
    assert not bench.schedule.deferred(bench.shard)
    assert bench.due()


def test_a_deferral_said_again_goes_on(bench: Bench) -> None:
    bench.write(ENOUGH)
    for _ in range(3):
        bench.schedule.defer(bench.shard)
        bench.now += DEFER_SECONDS - 1
    assert bench.schedule.deferred(bench.shard)
    bench.schedule.want(bench.shard)
    assert not bench.schedule.deferred(bench.shard)


def test_points_that_came_during_a_build_are_not_counted_as_done(bench: Bench) -> None:
    bench.write(ENOUGH)
    bench.schedule.begun(bench.shard)
    bench.write(ENOUGH)
    bench.shard.in_graph = ENOUGH
    bench.schedule.ended(bench.shard, built=True)
    assert not bench.green()
    bench.schedule.want(bench.shard)
    assert bench.due()


def test_what_the_engine_leaves_out_is_not_built_again_and_again(bench: Bench) -> None:
    bench.write(ENOUGH)
    bench.build(into_graph=0)
    bench.now += QUIET_SECONDS
    assert not bench.due()
    assert bench.green()
    bench.write(ENOUGH)
    assert not bench.green()


def test_a_build_that_failed_is_tried_again_after_a_while(bench: Bench) -> None:
    bench.write(ENOUGH)
    bench.build(into_graph=0, built=False)
    bench.schedule.want(bench.shard)
    assert not bench.due()
    assert not bench.green()
    bench.now += FAILED_SECONDS
    assert bench.due()
