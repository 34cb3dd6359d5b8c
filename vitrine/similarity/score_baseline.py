"""A collection's score distribution for a query, estimated from randomly drawn vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.similarity.threshold import choose_threshold

SAMPLE_SIZE = 1000
"""Vectors drawn; enough to know the middle and spread of the scores to about 3% of the spread."""
MIN_VECTORS = 30
"""Minimum number of vectors for a judgement: with this few, the spread is known to no better than 13%."""
SMALLEST_SPREAD = 1e-4
"""Minimum spread of float32 cosines. A collection of one repeated picture has less, and nothing stands out from it."""


@dataclass(frozen=True, slots=True)
class BaselineScores:
    """Distribution of random pictures' scores for one query."""

    middle: float  #: Median of the scores.
    spread: float  #: Standard deviation, estimated as half the span of the middle 68%.
    count: int  #: Number of vectors drawn.


class ScoreBaseline:
    """A sample of a collection: float32 [n, dimension], unit vectors."""

    def __init__(self, sample: NDArray[np.float32]) -> None:
        self._sample = sample
        self.near_duplicates = choose_threshold(sample)
        """The threshold above which pictures of the collection are nearly the same."""

    def __len__(self) -> int:
        return len(self._sample)

    @property
    def is_sufficient(self) -> bool:
        """Whether enough vectors were drawn for a judgement."""
        return len(self._sample) >= MIN_VECTORS

    def scores(self, vector: NDArray[np.float32]) -> BaselineScores:
        """Return the sample's score distribution for a query. Relevant pictures hardly affect median and quantiles."""
        cosines = self._sample @ vector
        low, middle, high = np.quantile(cosines, (0.16, 0.5, 0.84))
        spread = max(float(high - low) / 2, SMALLEST_SPREAD)
        return BaselineScores(float(middle), spread, len(cosines))
