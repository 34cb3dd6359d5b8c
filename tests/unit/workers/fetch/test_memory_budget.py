from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.byte_budget import ByteBudget
from workers.fetch.memory_budget import MemoryBudget


def test_a_younger_one_waits_where_there_is_no_room_and_goes_on_when_there_is() -> None:
    budget: MemoryBudget[str] = MemoryBudget(ByteBudget(100))
    budget.enter("old")
    budget.enter("young")
    assert budget.take("old", 90)
    assert not budget.take("young", 20)
    budget.leave("old")
    assert budget.woken() == ["young"]
    assert budget.woken() == []
    assert budget.take("young", 20)


def test_the_oldest_never_waits() -> None:
    budget: MemoryBudget[str] = MemoryBudget(ByteBudget(10))
    budget.enter("old")
    assert budget.take("old", 1000)
    assert budget.used == 1000


def test_the_next_oldest_is_woken_even_where_there_is_no_room() -> None:
    budget: MemoryBudget[str] = MemoryBudget(ByteBudget(10))
    for owner in ("first", "second", "third"):
        budget.enter(owner)
    assert budget.take("first", 1)
    assert budget.take("third", 9)
    assert not budget.take("second", 5)
    budget.leave("first")
    assert budget.take("third", 1)
    assert budget.woken() == ["second"]


def test_one_that_leaves_while_it_waits_is_not_woken() -> None:
    budget: MemoryBudget[str] = MemoryBudget(ByteBudget(10))
    budget.enter("old")
    budget.enter("young")
    assert budget.take("old", 10)
    assert not budget.take("young", 1)
    budget.leave("young")
    budget.leave("old")
    assert budget.woken() == []
    assert budget.used == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 60))
def test_everybody_gets_through_and_memory_is_bounded(sizes: list[int], limit: int) -> None:
    """Owners of `sizes` bytes alternate, take one byte at a time, and leave when they have all of them."""
    budget: MemoryBudget[int] = MemoryBudget(ByteBudget(limit))
    left = dict(enumerate(sizes))
    waiting: set[int] = set()
    for owner in left:
        budget.enter(owner)
    while left:
        owner = next(owner for owner in left if owner not in waiting)
        if not budget.take(owner, 1):
            waiting.add(owner)
            continue
        assert budget.used <= limit + max(sizes)
        left[owner] -= 1
        if not left[owner]:
            del left[owner]
            budget.leave(owner)
            waiting -= set(budget.woken())
    assert budget.used == 0


def test_the_oldest_waits_too_while_a_decoder_has_bytes_to_give_back() -> None:
    held = ByteBudget(10)
    budget: MemoryBudget[str] = MemoryBudget(held)
    for owner in ("first", "second"):
        budget.enter(owner)
    assert budget.take("first", 6)
    hold = budget.hand_over("first")
    budget.leave("first")
    assert budget.take("second", 3)
    assert not budget.take("second", 3)
    assert budget.woken() == ["second"]  # some bytes are free
    assert not budget.take("second", 3)
    hold.release()
    assert budget.woken() == ["second"]
    assert budget.take("second", 30)  # alone: nobody else could give anything back
    budget.leave("second")
    assert held.total == 0


def test_as_many_begin_as_there_is_room_for_pictures_like_the_latest() -> None:
    held = ByteBudget(1000)
    budget: MemoryBudget[int] = MemoryBudget(held)
    for owner in range(40):
        budget.enter(owner)
        assert budget.take(owner, 200)
        hold = budget.hand_over(owner)
        budget.leave(owner)
        hold.release()
    begun = 0
    while budget.may_enter():
        budget.enter(100 + begun)
        begun += 1
    assert begun == 5
    budget.leave(100)
    assert budget.may_enter()


def test_one_may_always_begin_where_nothing_is_held() -> None:
    held = ByteBudget(10)
    budget: MemoryBudget[str] = MemoryBudget(held)
    budget.enter("large")
    assert budget.take("large", 10_000)
    hold = budget.hand_over("large")
    budget.leave("large")
    assert not budget.may_enter()
    hold.release()
    assert budget.may_enter()
