"""What one chunk's pictures do: in which stage each is, how long they were in each, and when a stage was at work.

Pictures pass the stages side by side, so a stage has a first and a last moment, and pictures in it at any time. Told to
traces (the moments), to who watches the job (the pictures), and to the ledger (the seconds).
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
    entered: int = 0  #: Pictures that ever were in it.
    inside: int = 0  #: Pictures in it now.
    sum: float = 0.0
    """Of the moments of leaving, less those of entering: the seconds in the stage, once nobody is inside."""


class StageTimes:
    """Told from any thread; times are monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _Stage] = {}
        self._lock = threading.Lock()

    def move(self, left: str | None, entered: str | None, pictures: int = 1) -> None:
        """So many pictures leave one stage and enter another at this moment; None is outside of all of them."""
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
        """So many pictures are in the stage for the length of the block."""
        self.move(None, stage, pictures)
        try:
            yield
        finally:
            self.move(stage, None, pictures)

    def spans(self) -> list[tuple[str, float, float]]:
        """Stage, first and last moment, in the order in which they began."""
        with self._lock:
            found = [(name, stage.first, stage.last) for name, stage in self._stages.items()]
        return sorted(found, key=lambda span: span[1])

    def inside(self) -> dict[str, int]:
        """How many pictures are in each stage now; stages without any are left out."""
        with self._lock:
            return {name: stage.inside for name, stage in self._stages.items() if stage.inside}

    def totals(self) -> dict[str, StageTotal]:
        """How many pictures were in each stage, and the seconds that each was, added up; whoever is inside, until now."""
        now = self._clock()
        with self._lock:
            return {
                name: StageTotal(stage.entered, max(0.0, stage.sum + stage.inside * now))
                for name, stage in self._stages.items()
                if stage.entered
            }
