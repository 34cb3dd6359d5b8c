"""Combine several examples into one query: towards some and away from others, each with a weight.

The blend is a single vector, so a store searches for it like any other, through its index. Before they are added,
examples are brought to equal strength: each is divided by the spread of its own scores in the collection. Otherwise
words would have almost no effect next to a picture, because their scores lie several times closer together
(a model's pictures and texts fill two separate cones: Liang et al. 2022, "Mind the Gap").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.similarity.score_baseline import ScoreBaseline

NEGATIVE_WEIGHT = 0.3
"""Strength of unwanted examples relative to wanted ones. Measured in docs/similarity.md: 0.25 is best for two models and
0.5 for a third. Rocchio's feedback, whose form this is, usually uses 0.25 to 0.33."""
MIN_LENGTH = 1e-6  #: A shorter blend has no meaningful direction.


@dataclass(frozen=True, slots=True)
class WeightedVector:
    """A unit vector, float32 [dimension], and its weight relative to the others."""

    vector: NDArray[np.float32]
    weight: float = 1.0


def blend(
    like: Sequence[WeightedVector],
    unlike: Sequence[WeightedVector],
    background: ScoreBaseline | None,
) -> NDArray[np.float32] | None:
    """Return the query, float32 [dimension] of unit length, or None if the examples cancel each other out.

    `like` must not be empty. Its weights are relative to each other. Those of `unlike` say how hard each pushes
    away; the total push is divided by their number. Without a background, all examples count as having one spread.
    """
    if len(like) == 1 and not unlike:
        return like[0].vector
    pulls, pushes = _forces(like, background), _forces(unlike, background)
    target = np.sum(pulls, axis=0) / sum(example.weight for example in like)
    if pushes:
        target = target - NEGATIVE_WEIGHT / len(pushes) * np.sum(pushes, axis=0)
    length = float(np.linalg.norm(target))
    strongest = max(float(np.linalg.norm(force)) for force in (*pulls, *pushes))
    return None if length < MIN_LENGTH * strongest else (target / length).astype(np.float32)


def _forces(
    examples: Sequence[WeightedVector], background: ScoreBaseline | None
) -> list[NDArray[np.float64]]:
    """Return each example's vector scaled by its weight and divided by the spread of its own scores."""
    return [
        example.vector.astype(np.float64) * (example.weight / _spread(example.vector, background))
        for example in examples
    ]


def _spread(vector: NDArray[np.float32], background: ScoreBaseline | None) -> float:
    if background is None or not background.is_sufficient:
        return 1.0
    return background.scores(vector).spread
