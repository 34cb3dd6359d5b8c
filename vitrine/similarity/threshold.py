"""From which cosine on pictures are near-identical: given, or chosen from the collection.

What "near" means differs from model to model: two unrelated pictures have a cosine of 0.3 in one space and of 0.9 in
another. So the unit is the collection's own: the usual distance between two of its pictures drawn at random. A picture and
its re-encoded, scaled or slightly brighter copy lie within an eighth of that; the same product in another colour
begins to be as near (docs/similarity.md has the measurement).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DISTANCE_RATIO = 0.12
"""Of the usual distance. At 0.10 fewer copies are found, at 0.15 products in two colours pass for one."""
MIN_VECTORS = 10  #: Vectors below which a usual distance means nothing.
FALLBACK = 0.99  #: The cosine then: about what is chosen for convolutional models.
SAMPLED_PAIRS = 5000
"""Drawn at random; the middle of their distances is then known to 1%."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A cosine, the same as a Euclidean distance of unit vectors, and where it comes from."""

    cosine: float
    chosen: bool  #: From the collection.
    told: str

    @property
    def distance(self) -> float:
        """How far apart unit vectors of this cosine are."""
        return math.sqrt(max(0.0, 2 - 2 * self.cosine))


def given_threshold(cosine: float) -> Threshold:
    """A threshold that somebody named."""
    told = f"The threshold, a cosine of {cosine:.4f}, is the one given."
    return Threshold(cosine, chosen=False, told=told)


def choose_threshold(vectors: NDArray[np.float32]) -> Threshold:
    """The threshold for pictures with these unit vectors, float32 [n, dimension], each picture once."""
    if len(vectors) < MIN_VECTORS:
        told = f"For so few pictures the threshold is a cosine of {FALLBACK}."
        return Threshold(FALLBACK, chosen=False, told=told)
    usual = median_pair_distance(vectors)
    cosine = 1 - (DISTANCE_RATIO * usual) ** 2 / 2
    told = (
        f"The threshold, a cosine of {cosine:.4f}, was chosen from the collection: {DISTANCE_RATIO:.0%} of the "
        f"usual distance between two of its pictures."
    )
    return Threshold(cosine, chosen=True, told=told)


def median_pair_distance(vectors: NDArray[np.float32]) -> float:
    """The median distance of pairs drawn at random, the same ones each time."""
    drawn = np.random.default_rng(0)
    first = drawn.integers(0, len(vectors), SAMPLED_PAIRS)
    second = (first + drawn.integers(1, len(vectors), SAMPLED_PAIRS)) % len(vectors)
    cosines = np.einsum("ij,ij->i", vectors[first], vectors[second])
    return math.sqrt(max(0.0, 2 - 2 * float(np.median(cosines))))
