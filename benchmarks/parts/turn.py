"""One timed run of a worker: its rate from the end of the warm-up to the last outcome, and its CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.parts.process import Process

WARM_UP_SHARE = 0.1
"""Share of a run's pictures processed before its clock starts: pools fill, connections open."""
LONGEST_SECONDS = 300.0
_LOOK_EVERY = 0.01


@dataclass(frozen=True, slots=True)
class Turn:
    """Results of a run."""

    pictures_per_s: float
    cpu_ms: float  #: CPU of the worker's whole process, per picture.
    cores: float  #: Cores that the worker kept busy.


def timed_turn(
    done: Callable[[], int],
    pictures: int,
    process: Process,
    *,
    embedded: Callable[[float], int] = lambda _: 0,
) -> Turn:
    """Watch `done` rise to `pictures`, which are already submitted. Raises `RuntimeError` if it stalls.

    `embedded` returns how many had passed the device at a time (monotonic seconds), if that can be more than are done:
    work already in progress when the clock started is not counted.
    """
    wall, cpu, first = _reached(done, max(1, round(pictures * WARM_UP_SHARE)), process)
    end, cpu_end, last = _reached(done, pictures, process)
    if last != pictures:
        raise RuntimeError(f"{last} outcomes of {pictures} pictures")
    seconds, counted = end - wall, last - max(first, embedded(wall))
    if counted <= 0:
        raise RuntimeError(f"a turn of {pictures} pictures is too short to be measured")
    spent = cpu_end - cpu
    return Turn(counted / seconds, 1000 * spent / counted, spent / seconds)


def _reached(done: Callable[[], int], count: int, process: Process) -> tuple[float, float, int]:
    """Return when `done` reached `count`, the CPU spent by then, and its value."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while (now := done()) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{now} of {count} pictures in {LONGEST_SECONDS:.0f} s; the log ends so:\n{process.tail()}"
            )
        time.sleep(_LOOK_EVERY)
    return time.monotonic(), process.cpu_seconds(), now
