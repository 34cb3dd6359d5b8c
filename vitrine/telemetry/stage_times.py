"""Progress of one chunk's pictures through the stages: where each is, how long it stayed, and when a stage was active.

Pictures pass through stages concurrently, so a stage has a first and a last moment, and a number of pictures at any
time. Reported to traces (the moments), to clients that watch the job (the pictures), and to the ledger (the seconds).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vitrine.core.types import StageTotal


@dataclass(slots=True)
class _Stage:
    first: float
    last: float
    entered: int = 0  #: Pictures that have entered it so far.
    inside: int = 0  #: Pictures currently in it.
    sum: float = 0.0
    """Sum of leaving times minus entering times: the total seconds in the stage once it is empty."""


class StageTimes:
    """Can be updated from any thread. Times are monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _Stage] = {}
        self._lock = threading.Lock()

    def move(self, left: str | None, entered: str | None, pictures: int = 1) -> None:
        """Move this many pictures from one stage to another now. None means outside all stages."""
        now = self._clock()
        with self._lock:
            if left is not None:
                stage = self._at(left, now)
                stage.inside -= pictures
                stage.sum += pictures * now
            if entered is not None:
                stage = self._at(entered, now)
                stage.entered += pictures
                stage.inside += pictures
                stage.sum -= pictures * now

    def _at(self, name: str, now: float) -> _Stage:
        stage = self._stages.get(name)
        if stage is None:
            stage = self._stages[name] = _Stage(now, now)
        stage.last = now
        return stage

    @contextmanager
    def during(self, stage: str, pictures: int = 1) -> Iterator[None]:
        """Count this many pictures as in the stage for the duration of the block."""
        self.move(None, stage, pictures)
        try:
            yield
        finally:
            self.move(stage, None, pictures)

    def spans(self) -> list[tuple[str, float, float]]:
        """Return each stage with its first and last moment, in the order in which they began."""
        with self._lock:
            found = [(name, stage.first, stage.last) for name, stage in self._stages.items()]
        return sorted(found, key=lambda span: span[1])

    def inside(self) -> dict[str, int]:
        """Return how many pictures are in each stage now, omitting empty stages."""
        with self._lock:
            return {name: stage.inside for name, stage in self._stages.items() if stage.inside}

    def totals(self) -> dict[str, StageTotal]:
        """Return each stage's picture count and total seconds, counting pictures still inside up to now."""
        now = self._clock()
        with self._lock:
            return {
                name: StageTotal(stage.entered, max(0.0, stage.sum + stage.inside * now))
                for name, stage in self._stages.items()
                if stage.entered
            }
