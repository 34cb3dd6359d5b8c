"""How a collection looks from where a question stands: its scores against vectors drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.similarity.threshold import choose_threshold

SAMPLE_SIZE = 1000
"""Vectors drawn: the middle and the spread of the scores are then known to about 3% of the spread."""
MIN_VECTORS = 30
"""Vectors below which nothing is judged: a spread of so few is known to no better than 13%."""
SMALLEST_SPREAD = 1e-4
"""Of cosines in float32; a collection of one picture over and over has less, and nothing stands out from that."""


@dataclass(frozen=True, slots=True)
class BaselineScores:
    """Where random pictures' scores lie for one question."""

    middle: float  #: Their median.
    spread: float  #: Their standard deviation, as half of the span of the middle 68%.
    count: int  #: How many were drawn.


class ScoreBaseline:
    """A sample of a collection: float32 [n, dimension], unit vectors."""

    def __init__(self, sample: NDArray[np.float32]) -> None:
        self._sample = sample
        self.near_duplicates = choose_threshold(sample)
        """From where on pictures of the collection are nearly the same."""

    def __len__(self) -> int:
        return len(self._sample)

    @property
    def is_sufficient(self) -> bool:
        """Whether so many were drawn that something can be said."""
        return len(self._sample) >= MIN_VECTORS

    def scores(self, vector: NDArray[np.float32]) -> BaselineScores:
        """How the sample scores for a question; what is relevant hardly moves a median and a quantile."""
        cosines = self._sample @ vector
        low, middle, high = np.quantile(cosines, (0.16, 0.5, 0.84))
        spread = max(float(high - low) / 2, SMALLEST_SPREAD)
        return BaselineScores(float(middle), spread, len(cosines))
