"""The score below which the hits of one query stop being relevant.

No fixed score works: in one model's space 0.4 is a good match and in another 0.9 is not, words score lower than
pictures, and one picture has close relatives in the catalog while another has none. Each query therefore gets its own
scale, from how the collection looks to it (the middle of random pictures' scores) to its own nearest hits::

     random pictures        cut                    nearest five
     ──────┼─────────────────┼─────────────────────────┼──────▶ score
       background       four fifths of the way

docs/similarity.md describes what this gains over the best fixed score, and its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vitrine.similarity.score_baseline import BaselineScores

NEAREST = 5
"""Hits whose mean is the upper end of the scale; with one, a single lucky hit could cut off all others."""
CUT_RATIO = 0.8
"""Position between background and nearest hits: the best on average of three models; 0.75 and 0.85 are within 0.01."""
MIN_SPREADS_ABOVE = 1.5
"""A hit must always be this many spreads above the background's middle, even if the nearest hits are not."""
HITS_NEEDED = 20
"""Hits needed for a judgement: five that are not copies of the query, even if several are."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """How to judge a query's hits."""

    cut: float  #: Minimum score of a relevant hit.
    middle: float
    spread: float
    sample: int


def compute_relevance(
    background: BaselineScores, scores: Sequence[float], *, copies: float
) -> Relevance:
    """Return the cut for hits with these scores, best first.

    Hits of at least `copies` are the query's own picture again; they do not show how close other hits come.
    """
    nearest = [score for score in scores[:HITS_NEEDED] if score < copies][:NEAREST]
    stands_out = background.middle + MIN_SPREADS_ABOVE * background.spread
    cut = stands_out
    if nearest:
        reached = sum(nearest) / len(nearest) - background.middle
        cut = max(stands_out, background.middle + CUT_RATIO * reached)
    return Relevance(cut, background.middle, background.spread, background.count)
