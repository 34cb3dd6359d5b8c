"""Runs of a given approximate length, however fast the candidate: each run sets the size of the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.parts.turn import WARM_UP_SHARE, Turn


class Paced:
    """Runs of about `seconds` after their warm-up. The first, of `first` pictures, determines the rate."""

    def __init__(
        self,
        turn: Callable[[Sequence[int]], Turn],
        chunks: Callable[[int], Sequence[int]],
        *,
        seconds: float,
        first: int,
    ) -> None:
        self._turn = turn
        self._chunks = chunks
        self._seconds = seconds
        self._least = first
        self.pictures = first  #: Pictures of the next run.

    def __call__(self) -> Turn:
        """Execute the next run."""
        turn = self._turn(self._chunks(self.pictures))
        wanted = turn.pictures_per_s * self._seconds / (1 - WARM_UP_SHARE)
        self.pictures = max(self._least, round(wanted))
        return turn
