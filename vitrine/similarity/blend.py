"""Several examples become one question: towards these, away from those, each by its weight.

The blend is one vector, so a store searches by it as by any other, through its index. Before they are added,
examples are set at equal strength: each is divided by the spread of its own scores in the collection. Otherwise
words would count for nothing beside a picture, as their scores lie several times closer together
(a model's pictures and texts fill two separate cones: Liang et al. 2022, "Mind the Gap").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.similarity.score_baseline import ScoreBaseline

NEGATIVE_WEIGHT = 0.3
"""How strongly what is not wanted pushes, beside what is wanted: measured in docs/similarity.md, a quarter suits two models
best and a half one. Rocchio's feedback, whose form this is, usually takes a quarter to a third."""
MIN_LENGTH = 1e-6  #: A blend of less length has no direction.


@dataclass(frozen=True, slots=True)
class WeightedVector:
    """A unit vector, float32 [dimension], and what it counts beside the others."""

    vector: NDArray[np.float32]
    weight: float = 1.0


def blend(
    like: Sequence[WeightedVector],
    unlike: Sequence[WeightedVector],
    background: ScoreBaseline | None,
) -> NDArray[np.float32] | None:
    """The question, float32 [dimension] of unit length; None where the examples cancel each other out.

    `like` is not empty. Its weights count among each other; those of `unlike` say how hard each pushes away,
    and their push is divided by how many they are. Without a background all count as of one spread.
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
    """Each example's vector at its strength: its weight, by the spread of its own scores."""
    return [
        example.vector.astype(np.float64) * (example.weight / _spread(example.vector, background))
        for example in examples
    ]


def _spread(vector: NDArray[np.float32], background: ScoreBaseline | None) -> float:
    if background is None or not background.is_sufficient:
        return 1.0
    return background.scores(vector).spread
