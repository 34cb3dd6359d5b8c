from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.batching import Lane
from workers.images.decode_cost import DecodeCost
from workers.images.decode_scheduler import (
    HEAVY_PIXELS,
    QUERIES_IN_A_ROW,
    DecodeScheduler,
    DecodeSlot,
    Weight,
)

LIGHT, HEAVY = 1_000_000, HEAVY_PIXELS + 1
PLENTY = 1 << 40


def plain(pixels: int) -> DecodeCost:
    """Return a cost of four bytes per pixel."""
    return DecodeCost(pixels, 4 * pixels)


def lines(
    threads: int, *jobs: tuple[str, int], budget: int = PLENTY, lane: Lane = Lane.BULK
) -> DecodeScheduler[str]:
    turns: DecodeScheduler[str] = DecodeScheduler(threads, budget=budget)
    for name, pixels in jobs:
        turns.add(name, plain(pixels), lane=lane)
    return turns


def start_all(turns: DecodeScheduler[str]) -> list[DecodeSlot[str]]:
    """Start jobs until the scheduler allows no more."""
    started = []
    while turn := turns.next():
        started.append(turn)
    return started


def names(turns: list[DecodeSlot[str]]) -> list[str]:
    return [turn.job for turn in turns]


def test_pictures_of_a_kind_go_in_the_order_in_which_they_came() -> None:
    turns = lines(2, ("a", LIGHT), ("b", LIGHT), ("c", LIGHT))
    assert names(start_all(turns)) == ["a", "b"]


def test_queries_go_before_bulk_that_came_first() -> None:
    turns = lines(1, ("bulk", LIGHT))
    turns.add("query", plain(LIGHT), lane=Lane.QUERY)
    turns.add("large query", plain(HEAVY), lane=Lane.QUERY)
    order = []
    while turn := turns.next():
        order.append(turn.job)
        turns.done(turn)
    assert order == ["query", "large query", "bulk"]


def endless_queries(turns: DecodeScheduler[str], rounds: int) -> list[str]:
    """Return the jobs that run while a query always waits."""
    order = []
    for _ in range(rounds):
        turns.add("query", plain(LIGHT), lane=Lane.QUERY)
        turn = turns.next()
        assert turn is not None
        order.append(turn.job)
        turns.done(turn)
    return order


def test_queries_without_end_do_not_stop_bulk() -> None:
    turns = lines(1, ("bulk", LIGHT), ("large bulk", HEAVY))
    turns.add("query", plain(LIGHT), lane=Lane.QUERY)
    order = endless_queries(turns, 2 * QUERIES_IN_A_ROW + 2)
    assert order[QUERIES_IN_A_ROW] == "large bulk"
    assert order[2 * QUERIES_IN_A_ROW + 1] == "bulk"
    assert order.count("query") == 2 * QUERIES_IN_A_ROW


def test_queries_go_on_while_bulk_that_is_due_may_not_go() -> None:
    turns: DecodeScheduler[str] = DecodeScheduler(1, budget=PLENTY, bulk_may_go=lambda: False)
    turns.add("bulk", plain(LIGHT), lane=Lane.BULK)
    assert set(endless_queries(turns, 2 * QUERIES_IN_A_ROW)) == {"query"}


def test_heavy_ones_have_half_of_the_threads_while_light_ones_wait() -> None:
    turns = lines(4, *((f"heavy{n}", HEAVY) for n in range(6)))
    for n in range(20):
        turns.add(f"light{n}", plain(LIGHT), lane=Lane.BULK)
    started = start_all(turns)
    assert sorted(names(started)) == ["heavy0", "heavy1", "light0", "light1"]


def test_heavy_ones_have_every_thread_where_nothing_else_waits_and_a_light_one_goes_beside_them() -> (
    None
):
    turns = lines(4, *((f"heavy{n}", HEAVY) for n in range(6)))
    assert len(start_all(turns)) == 4
    turns.add("light0", plain(LIGHT), lane=Lane.BULK)
    turns.add("light1", plain(LIGHT), lane=Lane.BULK)
    assert names(start_all(turns)) == ["light0"]


def test_on_one_core_light_ones_go_on_beside_a_heavy_one_and_heavy_ones_get_their_turn() -> None:
    turns = lines(
        1, ("heavy0", HEAVY), ("heavy1", HEAVY), *((f"light{n}", LIGHT) for n in range(9))
    )
    [light] = start_all(turns)
    turns.done(light)
    heavy, light = start_all(turns)
    assert [heavy.job, light.job] == ["heavy0", "light1"]
    for expected in ("light2", "light3"):
        turns.done(light)
        [light] = start_all(turns)
        assert light.job == expected
    turns.done(heavy)
    assert start_all(turns) == []
    turns.done(light)
    assert names(start_all(turns)) == ["heavy1", "light4"]


def test_each_kind_fills_half_of_the_memory_at_most() -> None:
    size = plain(LIGHT).nbytes
    turns = lines(8, *((f"light{n}", LIGHT) for n in range(8)), budget=6 * size)
    assert len(start_all(turns)) == 3
    assert turns.held == 3 * size


def test_one_larger_than_its_half_goes_alone_among_its_kind() -> None:
    turns = lines(8, ("huge", HEAVY), ("huge too", HEAVY), ("light", 10), budget=1000)
    running = {turn.job: turn for turn in start_all(turns)}
    assert set(running) == {"huge", "light"}
    turns.done(running["huge"])
    assert names(start_all(turns)) == ["huge too"]


def test_bulk_does_not_pass_a_query_of_its_kind_that_waits_for_room() -> None:
    size = plain(HEAVY).nbytes
    turns = lines(8, ("bulk0", HEAVY), budget=4 * size)
    [running] = start_all(turns)
    turns.add("large query", plain(2 * HEAVY), lane=Lane.QUERY)
    turns.add("bulk1", plain(HEAVY), lane=Lane.BULK)
    assert start_all(turns) == []
    turns.done(running)
    assert names(start_all(turns)) == ["large query"]


def test_drained_lines_are_empty() -> None:
    turns = lines(1, ("a", LIGHT), ("b", HEAVY))
    assert sorted(turns.drain()) == ["a", "b"]
    assert not turns.ready()
    assert turns.next() is None


@given(
    st.lists(st.tuples(st.sampled_from(list(Lane)), st.integers(0, 60_000_000)), max_size=40),
    st.integers(1, 8),
    st.integers(1, 400_000_000),
)
def test_everybody_gets_a_turn_within_threads_and_memory(
    jobs: list[tuple[Lane, int]], threads: int, budget: int
) -> None:
    turns: DecodeScheduler[int] = DecodeScheduler(threads, budget=budget)
    for number, (lane, pixels) in enumerate(jobs):
        turns.add(number, plain(pixels), lane=lane)
    running: list[DecodeSlot[int]] = []
    seen: list[int] = []
    while len(seen) < len(jobs):
        while turn := turns.next():
            running.append(turn)
            _check_bounds(running, threads, budget)
        seen.append(running[0].job)
        turns.done(running.pop(0))
    assert sorted(seen) == list(range(len(jobs)))
    assert turns.held == 0


def _check_bounds(running: list[DecodeSlot[int]], threads: int, budget: int) -> None:
    assert len(running) <= threads + 1
    for weight in Weight:
        sizes = [turn.size for turn in running if turn.weight is weight]
        assert len(sizes) <= 1 or sum(sizes) <= budget // 2


def test_bulk_waits_while_it_may_not_go_and_queries_do_not() -> None:
    asked: list[None] = []

    def full() -> bool:
        asked.append(None)
        return False

    turns: DecodeScheduler[str] = DecodeScheduler(2, budget=PLENTY, bulk_may_go=full)
    assert not turns.ready()
    assert asked == []  # there is nobody to wake
    turns.add("bulk", plain(LIGHT), lane=Lane.BULK)
    turns.add("query", plain(LIGHT), lane=Lane.QUERY)
    assert names(start_all(turns)) == ["query"]
    assert len(asked) == 1
