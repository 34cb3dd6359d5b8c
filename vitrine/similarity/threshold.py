"""The cosine above which pictures are near-identical: given, or chosen from the collection.

The meaning of "near" differs between models: two unrelated pictures have a cosine of 0.3 in one space and 0.9 in
another. The unit is therefore the collection's own: the typical distance between two randomly drawn pictures. A
picture and its re-encoded, scaled or slightly brighter copy lie within an eighth of that; the same product in another
colour starts at about the same distance (docs/similarity.md has the measurement).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DISTANCE_RATIO = 0.12
"""Share of the typical distance. 0.10 finds fewer copies; 0.15 takes products in two colours for one."""
MIN_VECTORS = 10  #: With fewer vectors, a typical distance is meaningless.
FALLBACK = 0.99  #: The cosine used then: about what is chosen for convolutional models.
SAMPLED_PAIRS = 5000
"""Drawn at random; enough to know the median of their distances to 1%."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine, equivalent to a Euclidean distance of unit vectors, and its origin."""

    cosine: float
    chosen: bool  #: Whether it was chosen from the collection.
    told: str

    @property
    def distance(self) -> float:
        """The distance between unit vectors of this cosine."""
        return math.sqrt(max(0.0, 2 - 2 * self.cosine))


def given_threshold(cosine: float) -> Threshold:
    """Return a threshold that the user specified."""
    told = f"The threshold, a cosine of {cosine:.4f}, is the one given."
    return Threshold(cosine, chosen=False, told=told)


def choose_threshold(vectors: NDArray[np.float32]) -> Threshold:
    """Choose the threshold for pictures with these unit vectors, float32 [n, dimension], one per picture."""
    if len(vectors) < MIN_VECTORS:
        told = f"With few pictures, the threshold is a cosine of {FALLBACK}."
        return Threshold(FALLBACK, chosen=False, told=told)
    usual = median_pair_distance(vectors)
    cosine = 1 - (DISTANCE_RATIO * usual) ** 2 / 2
    told = (
        f"The threshold, a cosine of {cosine:.4f}, was chosen from the collection: {DISTANCE_RATIO:.0%} of the "
        f"usual distance between two of its pictures."
    )
    return Threshold(cosine, chosen=True, told=told)


def median_pair_distance(vectors: NDArray[np.float32]) -> float:
    """Return the median distance of randomly drawn pairs, the same pairs each time."""
    drawn = np.random.default_rng(0)
    first = drawn.integers(0, len(vectors), SAMPLED_PAIRS)
    second = (first + drawn.integers(1, len(vectors), SAMPLED_PAIRS)) % len(vectors)
    cosines = np.einsum("ij,ij->i", vectors[first], vectors[second])
    return math.sqrt(max(0.0, 2 - 2 * float(np.median(cosines))))
