"""Where the relevant hits of one question end: by how its scores stand out from the collection's own background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vitrine.neighbours.background import Scores

STANDS_OUT = 3.0
"""Spreads above the middle of the background from which a score stands out."""
OF_THE_BEST = 0.5
"""Share of the way from the background's middle to the best hit, which a relevant hit has come too."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """How a question's hits are judged."""

    cut: float  #: The score that a relevant hit has at least.
    middle: float
    spread: float
    sample: int


def judge(background: Scores, scores: Sequence[float]) -> Relevance:
    """The cut for hits with these scores, best first."""
    stands_out = background.middle + STANDS_OUT * background.spread
    best = max(scores, default=stands_out)
    near_best = background.middle + OF_THE_BEST * (best - background.middle)
    cut = max(stands_out, near_best)
    return Relevance(cut, background.middle, background.spread, background.count)
