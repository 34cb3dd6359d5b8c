from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.batching.packer import EmbedRequest, Lane, Packer

INPUTS = {"pixel_values": np.zeros(1, np.float32)}


def request(at: float = 0.0, lane: Lane = Lane.BULK, *, alone: bool = False) -> EmbedRequest:
    return EmbedRequest(INPUTS, lane, at, alone)


def packer(*requests: EmbedRequest, size: int = 4, wait: float = 1.0) -> Packer:
    made = Packer(size=size, wait=wait)
    for one in requests:
        made.add(one)
    return made


def test_a_batch_leaves_when_full_or_when_its_oldest_has_waited() -> None:
    assert packer().ready_in(Lane.BULK, 0.0, hungry=True) is None
    waiting = packer(request(10.0), request(10.5))
    assert waiting.ready_in(Lane.BULK, 10.25, hungry=True) == 0.75
    assert waiting.ready_in(Lane.BULK, 11.5, hungry=True) == 0.0
    full = packer(*(request(10.0) for _ in range(4)))
    assert full.ready_in(Lane.BULK, 10.0, hungry=False) == 0.0


def test_an_incomplete_batch_stays_open_while_the_device_is_busy() -> None:
    assert packer(request(10.0)).ready_in(Lane.BULK, 99.0, hungry=False) == math.inf


def test_a_query_waits_for_no_company_once_the_device_asks() -> None:
    asked = packer(request(10.0), request(10.0, Lane.QUERY))
    assert asked.ready_in(Lane.QUERY, 10.0, hungry=True) == 0.0
    assert asked.ready_in(Lane.BULK, 10.0, hungry=True) == 1.0


def test_queries_gather_while_the_device_is_busy_until_they_fill_a_batch() -> None:
    asked = packer(*(request(10.0, Lane.QUERY) for _ in range(3)))
    assert asked.ready_in(Lane.QUERY, 10.0, hungry=False) == math.inf
    asked.add(request(10.0, Lane.QUERY))
    assert asked.ready_in(Lane.QUERY, 10.0, hungry=False) == 0.0


def test_the_lanes_are_never_in_one_batch() -> None:
    bulk = [request() for _ in range(4)]
    asked = [request(5.0, Lane.QUERY), request(6.0, Lane.QUERY)]
    made = packer(*bulk, *asked)
    assert made.take(Lane.QUERY) == asked
    assert made.take(Lane.BULK) == bulk
    assert made.take(Lane.BULK) == []


def test_abandoned_requests_are_dropped() -> None:
    gone, kept = request(), request()
    made = packer(gone, kept)
    assert gone.future.cancel()
    assert made.take(Lane.BULK) == [kept]
    left = packer(request())
    assert left._lanes[Lane.BULK][0].future.cancel()
    assert left.ready_in(Lane.BULK, 0.0, hungry=True) is None
    assert len(left) == 0
    assert left.waiting_bytes(Lane.BULK) == 0


def test_waiting_bytes_are_those_of_the_inputs() -> None:
    made = packer(request(), request(), request(lane=Lane.QUERY))
    assert made.waiting_bytes(Lane.BULK) == 2 * INPUTS["pixel_values"].nbytes
    made.take(Lane.BULK)
    assert made.waiting_bytes(Lane.BULK) == 0
    made.add(EmbedRequest("words have no pixels", Lane.QUERY, 0.0))
    assert made.waiting_bytes(Lane.QUERY) == INPUTS["pixel_values"].nbytes


def test_a_request_that_wants_to_be_alone_is() -> None:
    lonely = request(alone=True)
    before, after = request(), request()
    made = packer(before, lonely, after)
    assert [made.take(Lane.BULK) for _ in range(3)] == [[before], [lonely], [after]]
    assert packer(request(9.0, alone=True)).ready_in(Lane.BULK, 9.0, hungry=False) == 0.0


def test_texts_and_pictures_are_never_in_one_batch() -> None:
    words = EmbedRequest("red dress", Lane.QUERY, 0.0)
    picture = request(lane=Lane.QUERY)
    made = packer(words, picture)
    assert [made.take(Lane.QUERY), made.take(Lane.QUERY)] == [[words], [picture]]


def test_ready_pixels_never_lie_beside_a_picture_s_bytes() -> None:
    as_bytes = EmbedRequest({"pixel_values": np.zeros(1, np.uint8)}, Lane.QUERY, 0.0)
    larger = EmbedRequest({"pixel_values": np.zeros(2, np.float32)}, Lane.QUERY, 0.0)
    first, second = request(lane=Lane.QUERY), request(lane=Lane.QUERY)
    made = packer(first, second, as_bytes, larger)
    assert [made.take(Lane.QUERY) for _ in range(3)] == [[first, second], [as_bytes], [larger]]


@given(
    lanes=st.lists(st.tuples(st.sampled_from(Lane), st.booleans(), st.booleans()), max_size=40),
    size=st.integers(1, 9),
)
def test_every_request_leaves_once_in_the_order_of_its_lane(
    lanes: list[tuple[Lane, bool, bool]], size: int
) -> None:
    requests = [request(float(at), lane, alone=alone) for at, (lane, alone, _) in enumerate(lanes)]
    made = packer(*requests, size=size)
    cancelled = {
        id(r) for r, (_, _, gone) in zip(requests, lanes, strict=True) if gone and r.future.cancel()
    }
    left: set[int] = set()
    for lane in Lane:
        batches = []
        while batch := made.take(lane):
            assert len(batch) <= size
            assert len(batch) == 1 or not any(one.alone for one in batch)
            batches += batch
        assert all(one.lane is lane for one in batches)
        times = [one.asked_at for one in batches]
        assert times == sorted(times)
        left |= {id(one) for one in batches}
    assert left == {id(r) for r in requests} - cancelled
