from __future__ import annotations

import gc
import threading

from workers.byte_budget import ByteBudget, ByteReservation


def test_who_was_refused_is_woken_once_by_the_next_that_gives_back() -> None:
    calls: list[int] = []
    held = ByteBudget(10, lambda: calls.append(held.total))
    assert held.take(8)
    held.give_back(1)
    assert calls == []
    assert not held.take(4)
    held.give_back(2)
    held.give_back(1)
    assert calls == [5]


def test_who_must_go_on_is_counted_past_the_limit() -> None:
    held = ByteBudget(10)
    assert held.take(50, anyway=True)
    assert not held.has_room(0)
    held.give_back(50)
    assert held.has_room(10)
    assert held.given_back == 50


def test_a_hold_gives_its_bytes_back_once_however_it_ends() -> None:
    held = ByteBudget(100)
    assert held.take(60)
    released, dropped = ByteReservation(held, 20), ByteReservation(held, 40)
    released.release()
    released.release()
    assert held.total == 40
    del released, dropped
    assert held.total == 0


def test_a_hold_in_a_circle_is_given_back_by_the_collector_even_under_the_counts_own_lock() -> None:
    held = ByteBudget(100)
    assert held.take(60)
    circle: list[object] = [ByteReservation(held, 60)]
    circle.append(circle)
    del circle
    with held._changed:
        gc.collect()
    assert held.total == 0


def test_one_larger_than_the_limit_waits_until_nothing_else_is_held() -> None:
    held = ByteBudget(10)
    assert held.take(5)
    took: list[bool] = []
    waiting = threading.Thread(target=lambda: took.append(held.wait_and_take(50)))
    waiting.start()
    held.give_back(3)
    assert took == []
    held.give_back(2)
    waiting.join()
    assert took == [True]
    assert held.total == 50


def test_nobody_waits_or_is_woken_after_closing() -> None:
    calls: list[None] = []
    held = ByteBudget(10, lambda: calls.append(None))
    assert held.take(10)
    assert not held.take(1)
    took: list[bool] = []
    waiting = threading.Thread(target=lambda: took.append(held.wait_and_take(1)))
    waiting.start()
    held.close()
    waiting.join()
    held.give_back(10)
    assert took == [False]
    assert calls == []
