"""The three threads together, each step held back by a model that waits for the test."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patience import PATIENCE
from vitrine.core.errors import ModelUnavailable
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.testing.worker_fakes import DIMENSION, FakeModel
from workers.batching import Batcher, Lane
from workers.models.base import Inputs
from workers.models.staged import DeviceLost, LaunchedBatch, StagedBatch, StagedModel

RED = 255


def picture(colour: int, side: int = 8) -> Inputs:
    return {"pixel_values": np.full((3, side, side), colour, np.float32)}


def eventually(true: Callable[[], bool]) -> None:
    """Wait until another thread has made the condition true."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.001)


class Flight:
    """A launched batch, finished when the test says so."""

    finished_at = None

    def __init__(self, model: SteppedModel, stacked: NDArray[np.float32]) -> None:
        self._model = model
        self._stacked = stacked
        self.landed = threading.Event()

    def wait(self) -> None:
        assert self.landed.wait(PATIENCE)

    def vectors(self) -> NDArray[np.float32]:
        self.wait()
        if len(self._stacked) > self._model.fits:
            raise MemoryError
        if (self._stacked == RED).any():
            raise ValueError("no red")
        return self._stacked[:, 0, 0, :DIMENSION] + 1


class Luggage:
    def __init__(self, model: SteppedModel, stacked: NDArray[np.float32]) -> None:
        self._model = model
        self._stacked = stacked

    def launch(self) -> LaunchedBatch:
        self._model.launchers.add(threading.current_thread().name)
        flight = Flight(self._model, self._stacked)
        self._model.flights.append(flight)
        self._model.sizes.append(len(self._stacked))
        if self._model.lands_at_once:
            flight.landed.set()
        return flight


class SteppedModel(FakeModel):
    """A model in steps: batches stay on the device until the test releases them, and fail only then, as on a GPU."""

    def __init__(self, *, lands_at_once: bool = False, fits: int = 1000) -> None:
        super().__init__()
        self.lands_at_once = lands_at_once
        self.fits = fits
        self.flights: list[Flight] = []
        self.sizes: list[int] = []
        self.launchers: set[str] = set()
        self.stagers: list[str] = []
        self.entered: list[str] = []

    def enter(self) -> None:
        self.entered.append(threading.current_thread().name)

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        self.stagers.append(threading.current_thread().name)
        return Luggage(
            self, np.stack([one["pixel_values"] for one in batch]).astype(np.float32, copy=False)
        )

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        return Luggage(self, np.ones((len(texts), 3, 8, 8), np.float32))

    def land(self, number: int) -> None:
        eventually(lambda: len(self.flights) > number)
        self.flights[number].landed.set()


@contextmanager
def running(
    model: SteppedModel, *, size: int, wait: float = 0.0, short_batch: float = 0.0
) -> Iterator[Batcher]:
    assert isinstance(model, StagedModel)
    batcher = Batcher(model, size=size, wait=wait, short_batch=short_batch)
    batcher.start()
    try:
        yield batcher
    finally:
        model.lands_at_once = True
        for flight in model.flights:
            flight.landed.set()
        batcher.close()


def test_each_step_has_its_thread() -> None:
    model = SteppedModel(lands_at_once=True)
    with running(model, size=2) as batcher:
        futures = [batcher.submit(picture(n), lane=Lane.BULK) for n in range(6)]
        for future in futures:
            assert np.linalg.norm(future.result(PATIENCE)) == pytest.approx(1.0, abs=1e-6)
        assert batcher.submit_text("a red dress").result(PATIENCE).shape == (DIMENSION,)
    assert model.entered == ["device"]
    assert model.launchers == {"device"}
    assert set(model.stagers) == {"staging"}


def test_the_next_bulk_batch_is_staged_while_the_device_is_at_one_and_no_more() -> None:
    model = SteppedModel()
    with running(model, size=2) as batcher:
        for n in range(8):
            batcher.submit(picture(n), lane=Lane.BULK)
        eventually(lambda: len(model.stagers) == 2)
        time.sleep(0.02)
        assert len(model.stagers) == 2
        assert len(model.flights) == 1


def test_a_query_is_launched_before_a_bulk_batch_that_was_staged_before_it_came() -> None:
    model = SteppedModel()
    with running(model, size=2) as batcher:
        for n in range(6):
            batcher.submit(picture(n), lane=Lane.BULK)
        eventually(lambda: len(model.stagers) == 2)
        asked = batcher.submit(picture(77), lane=Lane.QUERY)
        model.land(0)
        model.land(1)
        assert asked.result(PATIENCE).shape == (DIMENSION,)
        assert model.sizes[:2] == [2, 1]


def test_long_batches_are_not_launched_ahead() -> None:
    model = SteppedModel()
    with running(model, size=1, short_batch=0.0) as batcher:
        for n in range(3):
            batcher.submit(picture(n), lane=Lane.BULK)
        model.land(0)
        eventually(lambda: len(model.stagers) == 3)
        assert len(model.flights) == 2


def test_short_batches_are_launched_one_ahead() -> None:
    model = SteppedModel()
    with running(model, size=1, short_batch=math.inf) as batcher:
        batcher.submit(picture(0), lane=Lane.BULK)
        model.land(0)
        eventually(lambda: batcher.batches == 1)
        for n in range(3):
            batcher.submit(picture(n), lane=Lane.BULK)
        eventually(lambda: len(model.stagers) == 4)
        assert len(model.flights) == 3


def test_an_incomplete_batch_waits_for_company_while_the_device_is_busy() -> None:
    model = SteppedModel()
    with running(model, size=4) as batcher:
        first = batcher.submit(picture(0), lane=Lane.BULK)
        eventually(lambda: len(model.flights) == 1)
        late = [batcher.submit(picture(n), lane=Lane.BULK) for n in (1, 2, 3)]
        time.sleep(0.02)
        late.append(batcher.submit(picture(4), lane=Lane.BULK))
        model.land(0)
        model.land(1)
        for future in [first, *late]:
            future.result(PATIENCE)
        assert model.sizes == [1, 4]


def test_what_fails_only_on_the_device_is_halved_down_to_the_culprit() -> None:
    model = SteppedModel(lands_at_once=True)
    with running(model, size=4, wait=10.0) as batcher:
        futures = [batcher.submit(picture(n), lane=Lane.BULK) for n in (1, RED, 3, 4)]
        failure = futures[1].exception(PATIENCE)
        assert isinstance(failure, ItemFailure)
        assert failure.reason is FailureReason.MODEL_ERROR
        assert all(futures[n].result(PATIENCE).shape == (DIMENSION,) for n in (0, 2, 3))
        eventually(lambda: batcher.pictures == 4)
    assert model.sizes == [4, 2, 1, 1, 2]
    assert model.launchers == {"device"}


def test_memory_that_runs_out_on_the_device_makes_later_batches_smaller() -> None:
    model = SteppedModel(lands_at_once=True, fits=2)
    with running(model, size=8, wait=10.0) as batcher:
        futures = [batcher.submit(picture(n), lane=Lane.BULK) for n in range(8)]
        assert all(future.result(PATIENCE).shape == (DIMENSION,) for future in futures)
        assert batcher.size == 2
        assert model.sizes == [8, 4, 2, 2, 4, 2, 2]


def test_pictures_that_cannot_be_staged_together_are_embedded_in_parts() -> None:
    model = SteppedModel(lands_at_once=True)
    with running(model, size=4, wait=10.0) as batcher:
        shapes = (8, 8, 16, 8)
        futures = [batcher.submit(picture(1, side), lane=Lane.BULK) for side in shapes]
        assert all(future.result(PATIENCE).shape == (DIMENSION,) for future in futures)
    assert model.sizes == [2, 1, 1]


def test_a_device_that_hangs_after_the_launch_is_seen() -> None:
    model = SteppedModel()
    with running(model, size=1) as batcher:
        before = time.monotonic()
        asked = batcher.submit(picture(1), lane=Lane.BULK)
        eventually(lambda: len(model.flights) == 1)
        began = batcher.batch_began
        assert began is not None
        assert before <= began <= time.monotonic()
        model.land(0)
        asked.result(PATIENCE)
        eventually(lambda: batcher.batch_began is None)


def test_busy_time_is_counted_once_however_batches_overlap() -> None:
    batcher = Batcher(FakeModel(), size=1, wait=0.0)
    batcher.stats.finished(10.0, 11.0, bulk=True)
    batcher.stats.finished(10.5, 12.0, bulk=True)
    batcher.stats.finished(20.0, 20.5, bulk=False)
    assert batcher.stats.busy_seconds == pytest.approx(2.5)
    assert batcher.stats.bulk_seconds == pytest.approx(1.0)


def test_bulk_is_bounded_in_bytes_and_one_large_picture_still_passes() -> None:
    model = SteppedModel()
    small = picture(1)
    batcher = Batcher(model, size=1, wait=0.0, bulk_bytes=small["pixel_values"].nbytes)
    batcher.start()
    for _ in range(3):  # One is on the device, one is staged, one waits.
        batcher.submit(picture(1, 16), lane=Lane.BULK)
    eventually(lambda: len(model.stagers) == 2)
    passed = threading.Event()

    def push() -> None:
        batcher.submit(small, lane=Lane.BULK)
        passed.set()

    pusher = threading.Thread(target=push)
    pusher.start()
    assert not passed.wait(0.05)
    model.lands_at_once = True
    model.land(0)
    assert passed.wait(PATIENCE)
    pusher.join()
    batcher.close()


def test_a_job_runs_in_the_devices_thread_and_its_error_comes_back() -> None:
    with running(SteppedModel(lands_at_once=True), size=1) as batcher:
        assert batcher.on_device(lambda: threading.current_thread().name) == "device"
        with pytest.raises(ZeroDivisionError):
            batcher.on_device(partial(divmod, 1, 0))


def test_a_device_that_cannot_be_set_up_is_said_and_not_waited_for() -> None:
    model = SteppedModel()
    model.enter = partial(divmod, 1, 0)  # type: ignore[method-assign]
    batcher = Batcher(model, size=1, wait=0.0)
    batcher.start()
    with pytest.raises(ModelUnavailable):
        batcher.on_device(lambda: None)
    eventually(lambda: not batcher.alive())
    batcher.close()


def test_a_lost_device_is_no_pictures_fault() -> None:
    model = SteppedModel(lands_at_once=True)
    batcher = Batcher(model, size=2, wait=0.0)
    batcher.start()

    def lost(_: Flight) -> NDArray[np.float32]:
        raise DeviceLost("an illegal address")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flight, "vectors", lost)
        asked = batcher.submit(picture(1), lane=Lane.BULK)
        eventually(lambda: not batcher.alive())
    assert not asked.done()
    batcher.close()


def test_a_device_that_is_lost_in_a_job_is_said_in_a_sentence() -> None:
    def job() -> None:
        raise DeviceLost("an illegal address")

    with (
        running(SteppedModel(lands_at_once=True), size=1) as batcher,
        pytest.raises(ModelUnavailable, match="an illegal address"),
    ):
        batcher.on_device(job)
