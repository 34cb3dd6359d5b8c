"""Waits of the device's thread for the GIL at full load, for different switch intervals of the interpreter.

`python -m benchmarks.gil [--seconds N] [--repeats N] [--quick] [--json]`. Feeding threads, one decoder per core and the
batcher with a simulated model (64 pictures in 100 ms, more than two cores can decode) run in this process at
several switch intervals, interleaved (`sys.setswitchinterval`; Python's default is 5 ms). The batcher measures the
waits in the device's thread (`workers.batching.stats`).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.interleave import interleaved
from benchmarks.machine import cores
from benchmarks.parts.pictures import jpegs
from benchmarks.report import Report, parser
from workers.batching import Batcher, Lane
from workers.batching.stats import GilWait
from workers.image_decoder import ImageDecoder
from workers.images.decode_cost import DecodeCost
from workers.images.decode_pool import DecodePool
from workers.models.base import EmbeddingModel
from workers.models.factory import open_model
from workers.models.threads import single_threaded
from workers.runtime import SWITCH_SECONDS

MODEL = "timed-64-in-100ms"
FEEDERS = 4
"""Threads that feed pictures: as many as a worker has chunks in progress."""
IN_HAND = 32
"""Pictures that each of them has in progress."""
INTERVALS = (0.005, 0.001, 0.0005, 0.0001)


@dataclass(frozen=True, slots=True)
class Turn:
    """Results of one run at one switch interval."""

    gil: GilWait
    pictures_per_s: float


class Load:
    """Decoding, batching and a simulated device, for a given time."""

    def __init__(self, model: EmbeddingModel, pictures: Sequence[bytes], seconds: float) -> None:
        self._model = model
        self._pictures = pictures
        self._seconds = seconds
        self._decode = ImageDecoder(10**8)

    def turn(self, interval: float) -> Turn:
        """Run at a switch interval."""
        with switching(interval), ExitStack() as closers:
            batcher = Batcher(self._model, size=64, wait=0.01)
            decoders = DecodePool(cores(), budget=1 << 28, begin_thread=single_threaded)
            closers.callback(batcher.close)
            closers.callback(decoders.close)
            batcher.start()
            began = time.monotonic()
            feeders = [
                threading.Thread(target=self._feed, args=(batcher, decoders, began + self._seconds))
                for _ in range(FEEDERS)
            ]
            for feeder in feeders:
                feeder.start()
            for feeder in feeders:
                feeder.join()
            taken = time.monotonic() - began
            gil = batcher.stats.gil_wait()
            if gil is None:
                raise RuntimeError("the run was too short for a probe")
            return Turn(gil, batcher.pictures / taken)

    def _feed(self, batcher: Batcher, decoders: DecodePool, until: float) -> None:
        number = 0
        while time.monotonic() < until:
            decoded: list[Future[Future[NDArray[np.float32]]]] = []
            for _ in range(IN_HAND):
                data = self._pictures[number % len(self._pictures)]
                number += 1
                work = partial(self._submitted, batcher, data)
                decoded.append(
                    decoders.submit(work, DecodeCost(640_000, 4 * 640_000), lane=Lane.BULK)
                )
            wait([future.result() for future in decoded])

    def _submitted(self, batcher: Batcher, data: bytes) -> Future[NDArray[np.float32]]:
        return batcher.submit(self._model.preprocess(self._decode(data)), lane=Lane.BULK)


@contextmanager
def switching(seconds: float) -> Iterator[None]:
    """Set Python's switch interval, and restore it afterwards."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def compare(load: Load, repeats: int, report: Report) -> None:
    """Report the waits and the rate at each interval, with a goal for the interval that workers use."""
    intervals = sorted({*INTERVALS, SWITCH_SECONDS}, reverse=True)
    runs = {f"{1e6 * seconds:.0f}us": partial(load.turn, seconds) for seconds in intervals}
    for name, turns in interleaved(runs, repeats).items():
        report.spread(f"gil_wait_ms_{name}", [turn.gil.p50_ms for turn in turns])
        report.spread(f"gil_wait_p95_ms_{name}", [turn.gil.p95_ms for turn in turns])
        report.spread(f"pictures_per_s_{name}", [turn.pictures_per_s for turn in turns])
    report.goal(f"gil_wait_ms_{1e6 * SWITCH_SECONDS:.0f}us", "<", 1)


def main() -> None:
    """Run the comparison and print it."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=8.0, help="seconds a turn")
    options.add_argument("--repeats", type=int, default=5, help="counted turns of each interval")
    given = options.parse_args()
    seconds, repeats = (1.5, 1) if given.quick else (given.seconds, given.repeats)
    pictures, source = jpegs(8 if given.quick else 64)
    report = Report("gil")
    compare(Load(open_model(MODEL, device="cpu"), pictures, seconds), repeats, report)
    if source == "drawn":
        report.skip("photographs", "no real pictures here; generated ones were decoded")
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
