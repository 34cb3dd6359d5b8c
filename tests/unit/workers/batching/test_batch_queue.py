"""A query waits for the batch on the device, and for no bulk batch that was staged while the query was on its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.patience import PATIENCE
from workers.batching.batch_queue import BULK_BATCHES, Batch, BatchQueue
from workers.batching.oom_split import FittingBatchSize
from workers.batching.packer import EmbedRequest, Lane


def request(lane: Lane) -> EmbedRequest:
    return EmbedRequest({"pixel_values": np.zeros(3, np.uint8)}, lane, time.monotonic())


def stage_next(line: BatchQueue) -> Batch:
    """Do what the staging thread does for a waiting device, without staging anything."""
    line._hungry = True
    requests = line.next_waiting()
    assert requests is not None
    batch = Batch(requests, ValueError("nothing is staged here"))
    line.put_staged(batch)
    return batch


@pytest.fixture
def line() -> BatchQueue:
    """A queue with one staged bulk batch."""
    made = BatchQueue(FittingBatchSize(2), wait=0.0)
    for _ in range(2):
        made.put(request(Lane.BULK))
    assert stage_next(made).lane is Lane.BULK
    return made


def test_staged_bulk_stays_while_a_query_waits_to_be_staged(line: BatchQueue) -> None:
    line.put(request(Lane.QUERY))
    assert line._take() is None
    query = stage_next(line)
    taken = [line.next_staged(), line.next_staged()]
    assert taken[0] is query
    assert isinstance(taken[1], Batch)
    assert taken[1].lane is Lane.BULK


def test_staged_bulk_stays_while_a_query_is_being_staged(line: BatchQueue) -> None:
    line.put(request(Lane.QUERY))
    line._hungry = True
    requests = line.next_waiting()
    assert requests is not None
    assert line._take() is None
    line.put_staged(Batch(requests, ValueError("nothing is staged here")))
    taken = line.next_staged()
    assert isinstance(taken, Batch)
    assert taken.requests == requests


def test_queries_that_came_while_one_was_launched_go_before_bulk_too(line: BatchQueue) -> None:
    first, second = request(Lane.QUERY), request(Lane.QUERY)
    line.put(first)
    stage_next(line)
    line.put(second)
    taken = line.next_staged()
    assert isinstance(taken, Batch)
    assert taken.requests == [first]
    assert line._take() is None
    assert stage_next(line).requests == [second]


def test_queries_that_come_while_the_device_is_busy_go_together() -> None:
    line = BatchQueue(FittingBatchSize(8), wait=0.0)
    came = [request(Lane.QUERY) for _ in range(3)]
    with ThreadPoolExecutor(2) as threads:
        staging = threads.submit(line.next_waiting)  # the device is busy, and requests nothing
        for one in came:
            line.put(one)
        assert line._packer.waiting(Lane.QUERY) == 3
        device = threads.submit(line.next_staged)
        assert staging.result(PATIENCE) == came
        line.put_staged(Batch(came, ValueError("nothing is staged here")))
        taken = device.result(PATIENCE)
    assert isinstance(taken, Batch)
    assert taken.requests == came


def test_a_bulk_batch_that_queries_have_passed_for_long_enough_goes_next() -> None:
    line = BatchQueue(
        FittingBatchSize(1), wait=0.0, bulk_patience=-1.0
    )  # every staged batch has already waited longer
    for lane in (Lane.BULK, Lane.QUERY):
        line.put(request(lane))
    staged = {stage_next(line).lane for _ in Lane}
    assert staged == set(Lane)
    assert [
        taken.lane for taken in (line.next_staged(), line.next_staged()) if isinstance(taken, Batch)
    ] == [
        Lane.BULK,
        Lane.QUERY,
    ]


def test_a_bulk_batch_that_failed_is_not_passed_for_ever_either() -> None:
    line = BatchQueue(FittingBatchSize(1), wait=0.0, bulk_patience=-1.0)
    line.put(request(Lane.BULK))
    failed = stage_next(line)
    assert line.next_staged() is failed
    line.answered(again=failed)
    line.put(request(Lane.QUERY))
    stage_next(line)
    assert line.next_staged() is failed


def test_a_query_that_was_given_up_holds_nothing_back(line: BatchQueue) -> None:
    query = request(Lane.QUERY)
    line.put(query)
    with ThreadPoolExecutor(2) as threads:
        device = threads.submit(line.next_staged)
        until(lambda: line._hungry)  # it waits for the query
        assert query.future.cancel()
        staging = threads.submit(line.next_waiting)
        taken = device.result(PATIENCE)
        line.close()
        assert staging.result(PATIENCE) is None
    assert isinstance(taken, Batch)
    assert taken.lane is Lane.BULK


def test_who_waits_for_room_goes_on_when_all_bulk_was_given_up() -> None:
    line = BatchQueue(FittingBatchSize(2), wait=3600.0)
    for _ in range(2):
        line.put(request(Lane.BULK))
    stage_next(line)
    waiting = [request(Lane.BULK) for _ in range(2 * BULK_BATCHES)]
    for one in waiting:
        line.put(one)
    with ThreadPoolExecutor(3) as threads:
        blocked = threads.submit(line.put, request(Lane.BULK))
        until(lambda: bool(line._room._waiters))  # type: ignore[attr-defined]
        assert all(one.future.cancel() for one in waiting)
        staging = threads.submit(line.next_waiting)
        assert isinstance(line.next_staged(), Batch)
        device = threads.submit(line.next_staged)
        try:
            blocked.result(PATIENCE)
        finally:
            line.close()
            line.end_staging()
            line.answered()
        assert staging.result(PATIENCE) is not None
        assert device.result(PATIENCE) is None


def test_without_a_staging_thread_nothing_is_waited_for(line: BatchQueue) -> None:
    line.put(request(Lane.QUERY))
    line.end_staging()
    taken = line.next_staged()
    assert isinstance(taken, Batch)
    assert taken.lane is Lane.BULK


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.001)


def test_an_offer_is_refused_where_a_put_would_block_and_a_query_s_never_is(
    line: BatchQueue,
) -> None:
    room = 2 * BULK_BATCHES
    assert [line.offer(request(Lane.BULK)) for _ in range(room + 1)] == [True] * room + [False]
    assert line.offer(request(Lane.QUERY))
    line.close()
    late = request(Lane.BULK)
    assert line.offer(late)
    assert late.future.cancelled()
