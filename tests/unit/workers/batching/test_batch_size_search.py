from __future__ import annotations

from collections.abc import Callable

import pytest

from workers.batching.batch_size_search import (
    HANDOVER_SECONDS,
    SEARCH_SECONDS,
    SIZES,
    find_batch_size,
)


def device(
    base: float, each: float, *, fits: int = 1000, per_try: float = 0.0
) -> tuple[list[int], Callable[[int], float], Callable[[], float]]:
    """Return the sizes tried, a timing function (base + each * n seconds), and a clock that each try advances."""
    tried: list[int] = []

    def seconds(size: int) -> float:
        tried.append(size)
        if size > fits:
            raise MemoryError
        return base + each * size

    return tried, seconds, lambda: len(tried) * per_try


def test_the_smallest_size_near_the_best_rate_is_taken() -> None:
    _, seconds, clock = device(base=0.009, each=0.001)
    found = find_batch_size(seconds, clock=clock)
    best = 256 / (seconds(256) + HANDOVER_SECONDS)
    assert found.pictures_per_s >= 0.95 * best
    smaller = SIZES[SIZES.index(found.size) - 1]
    assert smaller / (seconds(smaller) + HANDOVER_SECONDS) < 0.95 * best


def test_a_batch_is_never_so_long_that_a_query_would_feel_it() -> None:
    _, seconds, clock = device(base=1.0, each=0.02)
    assert find_batch_size(seconds, clock=clock).size == 1
    _, seconds, clock = device(base=0.1, each=0.02)
    found = find_batch_size(seconds, clock=clock)
    assert seconds(found.size) <= 0.5 < seconds(2 * found.size)


def test_memory_bounds_the_size_and_none_for_one_picture_is_said() -> None:
    tried, seconds, clock = device(base=0.05, each=0.0001, fits=8)
    assert find_batch_size(seconds, clock=clock).size == 8
    assert tried == [1, 2, 4, 8, 16]
    _, seconds, clock = device(base=0.0, each=0.1, fits=0)
    with pytest.raises(MemoryError):
        find_batch_size(seconds, clock=clock)


def test_the_search_ends_in_its_time() -> None:
    tried, seconds, clock = device(base=0.0, each=0.0001, per_try=SEARCH_SECONDS / 2)
    find_batch_size(seconds, clock=clock)
    assert tried == [1, 2]


def test_it_ends_where_larger_batches_only_get_worse() -> None:
    tried: list[int] = []

    def seconds(size: int) -> float:
        tried.append(size)
        return size * (0.01 if size <= 4 else 0.02)

    assert find_batch_size(seconds, clock=lambda: 0.0).size == 4
    assert tried == [1, 2, 4, 8]


def test_a_batch_too_short_to_be_noticed_gives_way_to_one_that_is_no_slower() -> None:
    _, seconds, clock = device(base=0.001, each=0.02)
    assert find_batch_size(seconds, clock=clock).size == 4
    _, seconds, clock = device(base=0.001, each=0.06)
    assert find_batch_size(seconds, clock=clock).size == 1
