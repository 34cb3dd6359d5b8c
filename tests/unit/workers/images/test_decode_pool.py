from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from functools import partial

import pytest

from vitrine.core.types import FailureReason, ItemFailure
from workers.batching import Lane
from workers.images.decode_cost import DecodeCost
from workers.images.decode_pool import NICENESS, DecodePool

LIGHT = DecodeCost(1_000_000, 4_000_000)


@pytest.fixture
def decoders() -> Iterator[DecodePool]:
    """A pool with two threads, and memory for any picture."""
    pool = DecodePool(2, budget=1 << 40)
    yield pool
    pool.close()


class Gate:
    """Work that signals when it begins, and ends when it may."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        self.may_end.wait()
        return threading.current_thread().name


def occupy(pool: DecodePool, pictures: int) -> list[Gate]:
    """Fill the pool with bulk work that has begun."""
    gates = [Gate() for _ in range(pictures)]
    for gate in gates:
        pool.submit(gate, LIGHT, lane=Lane.BULK)
        gate.begun.wait()
    return gates


def test_results_and_failures_come_through_the_future(decoders: DecodePool) -> None:
    def fail() -> None:
        raise ItemFailure(FailureReason.CORRUPT, "no good")

    assert decoders.submit(lambda: 7, LIGHT, lane=Lane.BULK).result() == 7
    error = decoders.submit(fail, LIGHT, lane=Lane.BULK).exception()
    assert isinstance(error, ItemFailure)
    assert decoders.submit(lambda: 8, LIGHT, lane=Lane.BULK).result() == 8


def test_a_query_is_decoded_before_bulk_that_was_there_first(decoders: DecodePool) -> None:
    gates = occupy(decoders, 2)
    order: list[str] = []

    def note(name: str) -> Future[None]:
        lane = Lane.QUERY if name == "query" else Lane.BULK
        return decoders.submit(lambda: order.append(name), LIGHT, lane=lane)

    waiting = [note(name) for name in ("bulk", "bulk", "query")]
    gates[0].may_end.set()  # one thread is free now, the other is not
    for future in waiting:
        future.result()
    gates[1].may_end.set()
    assert order == ["query", "bulk", "bulk"]


def test_what_was_cancelled_while_it_waited_is_not_run(decoders: DecodePool) -> None:
    gates = occupy(decoders, 2)
    ran: list[str] = []
    dropped = decoders.submit(lambda: ran.append("dropped"), LIGHT, lane=Lane.BULK)
    kept = decoders.submit(lambda: ran.append("kept"), LIGHT, lane=Lane.BULK)
    assert dropped.cancel()
    for gate in gates:
        gate.may_end.set()
    kept.result()
    assert ran == ["kept"]


def test_bulk_is_decoded_no_further_ahead_than_the_batcher_follows() -> None:
    pool = DecodePool(1, budget=1 << 40, ahead=10)
    assert pool.decoded.take(10, anyway=True)
    bulk = pool.submit(lambda: "bulk", LIGHT, lane=Lane.BULK)
    query = pool.submit(lambda: "query", LIGHT, lane=Lane.QUERY)
    assert query.result() == "query"
    assert not bulk.running()
    assert not bulk.done()
    pool.decoded.give_back(1)
    assert bulk.result() == "bulk"
    pool.close()


def test_closing_lets_what_runs_end_and_cancels_the_rest() -> None:
    pool = DecodePool(1, budget=1)
    gate = Gate()
    running = pool.submit(gate, LIGHT, lane=Lane.BULK)
    gate.begun.wait()
    waiting = pool.submit(lambda: 1, LIGHT, lane=Lane.BULK)
    closing = threading.Thread(target=pool.close)
    closing.start()
    with pytest.raises(CancelledError):
        waiting.result()
    gate.may_end.set()
    closing.join()
    assert running.result().startswith("decode-")
    with pytest.raises(CancelledError):
        pool.submit(lambda: 1, LIGHT, lane=Lane.QUERY).result()
    pool.close()


def test_a_failed_pictures_bytes_go_with_its_future_without_waiting_for_the_collector(
    decoders: DecodePool,
) -> None:
    class Bytes(bytearray):
        pass

    def fail(data: Bytes) -> None:
        raise ItemFailure(FailureReason.CORRUPT, f"{len(data)} bytes")

    data = Bytes(10)
    gone = weakref.ref(data)
    gc.disable()
    try:
        future: Future[None] = decoders.submit(partial(fail, data), LIGHT, lane=Lane.BULK)
        assert future.exception() is not None
        del data, future
        # A thread drops its work before it takes the next.
        for _ in range(3):
            decoders.submit(lambda: None, LIGHT, lane=Lane.BULK).result()
        decoders.close()
        assert gone() is None
    finally:
        gc.enable()


def test_a_thread_that_could_not_be_set_up_decodes_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise RuntimeError("no such library")

    with caplog.at_level(logging.CRITICAL, "workers.images.decode_pool"):
        pool = DecodePool(1, budget=1, begin_thread=broken)
        assert pool.submit(lambda: 1, LIGHT, lane=Lane.BULK).result() == 1
        pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own here")
def test_decoding_stands_back_and_nobody_else_does(decoders: DecodePool) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = niceness()
    assert decoders.submit(niceness, LIGHT, lane=Lane.BULK).result() == mine + NICENESS
    assert niceness() == mine
