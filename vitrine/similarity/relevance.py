"""Where the relevant hits of one question end.

No one score can say: in one model's space 0.4 is a good match and in another 0.9 is none, words score lower than
pictures, and of two pictures one has near relatives in the catalog and the other has not. So a question is measured by
itself, on a scale from how its collection looks to it (the middle of random pictures' scores) to its own nearest
hits::

    random pictures        cut                    nearest five
    ──────┼─────────────────┼─────────────────────────┼──────▶ score
       background       four fifths of the way

What the measure gains over the best flat score, and what it cannot tell, is in docs/similarity.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vitrine.similarity.score_baseline import BaselineScores

NEAREST = 5
"""Hits whose mean is the upper end; one alone would let a single lucky hit cut off all others."""
CUT_RATIO = 0.8
"""From the background to the nearest: the best on average of three models; 0.75 and 0.85 are within a hundredth."""
MIN_SPREADS_ABOVE = 1.5
"""Spreads that a hit has to be above the background's middle in any case, also where the nearest are no nearer."""
HITS_NEEDED = 20
"""Hits that are needed to judge: five that are no copies of the question, also where several are."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """How a question's hits are judged."""

    cut: float  #: The score that a relevant hit has at least.
    middle: float
    spread: float
    sample: int


def compute_relevance(
    background: BaselineScores, scores: Sequence[float], *, copies: float
) -> Relevance:
    """The cut for hits with these scores, best first.

    Hits of at least `copies` are the question's own picture again; they say nothing of how near the others come.
    """
    nearest = [score for score in scores[:HITS_NEEDED] if score < copies][:NEAREST]
    stands_out = background.middle + MIN_SPREADS_ABOVE * background.spread
    cut = stands_out
    if nearest:
        reached = sum(nearest) / len(nearest) - background.middle
        cut = max(stands_out, background.middle + CUT_RATIO * reached)
    return Relevance(cut, background.middle, background.spread, background.count)
