from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.batching.packer import Lane, Packer, Request

INPUTS = {"pixel_values": np.zeros(1, np.float32)}


def request(at: float = 0.0, lane: Lane = Lane.BULK, *, alone: bool = False) -> Request:
    return Request(INPUTS, lane, at, alone)


def packer(*requests: Request, size: int = 4, wait: float = 1.0) -> Packer:
    made = Packer(size=size, wait=wait)
    for one in requests:
        made.add(one)
    return made


def test_a_batch_leaves_when_full_or_when_its_oldest_has_waited() -> None:
    assert packer().ready_in(0.0) is None
    waiting = packer(request(10.0), request(10.5))
    assert waiting.ready_in(10.25) == 0.75
    assert waiting.ready_in(11.5) == 0.0
    assert packer(*(request(10.0) for _ in range(4))).ready_in(10.0) == 0.0


def test_a_query_does_not_wait_for_company() -> None:
    assert packer(request(10.0), request(10.0, Lane.QUERY)).ready_in(10.0) == 0.0


def test_queries_go_before_bulk_and_share_its_batch() -> None:
    bulk = [request() for _ in range(4)]
    asked = request(5.0, Lane.QUERY)
    made = packer(*bulk, asked)
    assert made.take() == [asked, *bulk[:3]]
    assert made.take() == [bulk[3]]
    assert made.take() == []


def test_abandoned_requests_are_dropped() -> None:
    gone, kept = request(), request()
    made = packer(gone, kept)
    assert gone.future.cancel()
    assert made.take() == [kept]
    left = packer(request())
    assert left._lanes[Lane.BULK][0].future.cancel()
    assert left.ready_in(0.0) is None
    assert len(left) == 0


def test_a_request_that_wants_to_be_alone_is() -> None:
    lonely = request(alone=True)
    before, after = request(), request()
    made = packer(before, lonely, after)
    assert [made.take(), made.take(), made.take()] == [[before], [lonely], [after]]
    assert packer(request(9.0, alone=True)).ready_in(9.0) == 0.0


def test_texts_and_pictures_are_never_in_one_batch() -> None:
    words = Request("red dress", Lane.QUERY, 0.0)
    picture = request(lane=Lane.QUERY)
    made = packer(words, picture)
    assert [made.take(), made.take()] == [[words], [picture]]


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
    batches = []
    while batch := made.take():
        assert len(batch) <= size
        assert len(batch) == 1 or not any(one.alone for one in batch)
        batches += batch
    assert {id(one) for one in batches} == {id(r) for r in requests} - cancelled
    for lane in Lane:
        times = [one.asked_at for one in batches if one.lane is lane]
        assert times == sorted(times)
