from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, wait
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patience import PATIENCE
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.testing.worker_fakes import DIMENSION, FakeModel
from workers.batching import Batcher, Lane
from workers.models.base import Inputs

RED = (255, 0, 0)
BLUE = (0, 0, 255)
GREY = (9, 9, 9)


def _note(order: list[str], name: str, _: object) -> None:
    order.append(name)


def flat(colour: tuple[int, int, int]) -> Inputs:
    pixels = np.zeros((3, 8, 8), np.float32)
    pixels += np.array(colour, np.float32)[:, None, None]
    return {"pixel_values": pixels}


class GatedModel(FakeModel):
    """Embeds once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.began = threading.Event()

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        self.began.set()
        assert self.gate.wait(PATIENCE)
        return super().embed(batch)


@pytest.fixture
def batcher() -> Iterator[Batcher]:
    nan = np.full(DIMENSION, np.nan, np.float32)
    model = FakeModel({RED: ValueError("no red"), BLUE: nan, (1, 1, 1): np.zeros(8, np.float32)})
    made = Batcher(model, size=8, wait=0.001)
    made.start()
    yield made
    made.close()


def test_vectors_are_of_unit_length_and_do_not_depend_on_the_batch(batcher: Batcher) -> None:
    alone = batcher.submit(flat(GREY), lane=Lane.BULK, alone=True).result(PATIENCE)
    together = [batcher.submit(flat((n, 9, 9)), lane=Lane.BULK) for n in range(20)]
    assert np.linalg.norm(alone) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(together[9].result(PATIENCE), alone, atol=1e-7)


def test_a_bad_picture_fails_alone(batcher: Batcher) -> None:
    futures = [batcher.submit(flat(c), lane=Lane.BULK) for c in (GREY, RED, BLUE, (1, 1, 1))]
    wait(futures, 30)
    assert futures[0].result().shape == (DIMENSION,)
    reasons = [FailureReason.MODEL_ERROR, FailureReason.BAD_VECTOR, FailureReason.BAD_VECTOR]
    for future, reason in zip(futures[1:], reasons, strict=True):
        failure = future.exception()
        assert isinstance(failure, ItemFailure)
        assert failure.reason is reason


def test_texts_are_embedded_too(batcher: Batcher) -> None:
    assert batcher.submit_text("a red dress").result(PATIENCE).shape == (DIMENSION,)


def test_a_query_overtakes_waiting_bulk_and_the_batch_in_work_is_seen() -> None:
    model = GatedModel()
    batcher = Batcher(model, size=2, wait=0.0)
    batcher.start()
    first = batcher.submit(flat(GREY), lane=Lane.BULK)
    assert model.began.wait(PATIENCE)
    assert isinstance(batcher.batch_began, float)
    order: list[str] = []
    for name, lane in [("bulk", Lane.BULK), ("bulk", Lane.BULK), ("query", Lane.QUERY)]:
        future = batcher.submit(flat((len(order), 2, 3)), lane=lane)
        future.add_done_callback(partial(_note, order, name))
    model.gate.set()
    batcher.close()
    assert first.done()
    assert order == ["query", "bulk", "bulk"]
    assert batcher.pictures == 4


def test_bulk_waits_while_too_much_waits_and_queries_do_not() -> None:
    model = GatedModel()
    batcher = Batcher(model, size=1, wait=0.0)
    batcher.start()
    batcher.submit(flat(GREY), lane=Lane.BULK)
    assert model.began.wait(PATIENCE)
    for _ in range(4):
        batcher.submit(flat(GREY), lane=Lane.BULK)
    passed = threading.Event()

    def push() -> None:
        batcher.submit(flat(GREY), lane=Lane.BULK)
        passed.set()

    pusher = threading.Thread(target=push)
    pusher.start()
    query = batcher.submit(flat(GREY), lane=Lane.QUERY)
    assert not passed.is_set()
    model.gate.set()
    assert query.result(PATIENCE).shape == (DIMENSION,)
    assert passed.wait(PATIENCE)
    pusher.join()
    batcher.close()


def test_closing_answers_what_waits_and_cancels_what_comes_later() -> None:
    batcher = Batcher(FakeModel(), size=64, wait=3600.0)
    batcher.start()
    waiting = batcher.submit(flat(GREY), lane=Lane.BULK)
    batcher.close()
    batcher.close()
    assert waiting.result(PATIENCE).shape == (DIMENSION,)
    with pytest.raises(CancelledError):
        batcher.submit(flat(GREY), lane=Lane.BULK).result(1)


def test_a_batch_that_cannot_be_answered_fails_and_the_next_goes_on() -> None:
    ragged = FakeModel({RED: np.ones(3, np.float32)})
    ragged.embed = lambda batch: [ragged._vector(one["pixel_values"]) for one in batch]  # type: ignore[method-assign,assignment,return-value]
    batcher = Batcher(ragged, size=2, wait=10.0)
    batcher.start()
    broken = [batcher.submit(flat(colour), lane=Lane.BULK) for colour in (RED, GREY)]
    for future in broken:
        failure = future.exception(30)
        assert isinstance(failure, ItemFailure)
        assert failure.reason is FailureReason.MODEL_ERROR
    assert batcher.alive()
    assert batcher.submit(flat(GREY), lane=Lane.QUERY).result(PATIENCE).shape == (DIMENSION,)
    batcher.close()


def test_the_watched_time_is_that_of_one_call_of_the_model() -> None:
    seen: list[float | None] = []

    class Watched(FakeModel):
        def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
            seen.append(watched.batch_began)
            return super().embed(batch)

    watched = Batcher(Watched({RED: ValueError("no red")}), size=4, wait=10.0)
    watched.start()
    wait([watched.submit(flat(c), lane=Lane.BULK) for c in (RED, GREY, GREY, GREY)], 30)
    watched.close()
    began = [moment for moment in seen if moment is not None]
    assert len(began) == 5
    assert began == sorted(began)
    assert began[0] < began[-1]
