"""Comparison of two models on the same pictures: their differences, and whether those exceed chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vitrine.evaluation.confusions import Misclassification, misclassification_of
from vitrine.evaluation.evaluation import Evaluation
from vitrine.evaluation.knn import Classification
from vitrine.evaluation.sample import Sample
from vitrine.evaluation.score import McNemarTest


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tests by measure; `only_first` are pictures that only the first model guessed right, `only_second` the reverse."""

    duels: dict[str, McNemarTest]
    only_first: tuple[Misclassification, ...]  #: With the second model's neighbours.
    only_second: tuple[Misclassification, ...]  #: With the first model's neighbours.

    def as_json(self) -> dict[str, Any]:
        """Return the tests as JSON values."""
        return {name: duel.as_json() for name, duel in self.duels.items()}


def common_samples(first: Sample, second: Sample) -> tuple[Sample, Sample]:
    """Return the pictures that have a vector from both models, with the same rows in both samples."""
    keys = frozenset(picture.key for picture in first.pictures)
    both = keys & frozenset(picture.key for picture in second.pictures)
    return first.only(both), second.only(both)


def compare(first: Evaluation, second: Evaluation, limit: int) -> Comparison:
    """Compare evaluations of samples from `common_samples` under one plan. Keep at most `limit` pictures each way."""
    duels: dict[str, McNemarTest] = {}
    for name in ("leave_one_out", "few_shot", "zero_shot"):
        mine, others = getattr(first, name), getattr(second, name)
        if mine is not None and others is not None:
            duels[f"{name}_top1"] = McNemarTest.from_outcomes(mine.top1, others.top1)
    duels["recall_at_1"] = McNemarTest.from_outcomes(
        first.retrieval.right(1), second.retrieval.right(1)
    )
    ours, theirs = first.leave_one_out, second.leave_one_out
    if ours is None or theirs is None:
        return Comparison(duels, (), ())
    return Comparison(
        duels,
        _missed(second, theirs, ours, limit),
        _missed(first, ours, theirs, limit),
    )


def _missed(
    found: Evaluation, voted: Classification, other: Classification, limit: int
) -> tuple[Misclassification, ...]:
    """Return the pictures that one model guessed wrong and the other right, most confident mistakes first."""
    questions = np.flatnonzero(~voted.top1 & other.top1)
    seen = [misclassification_of(found, voted, int(question)) for question in questions]
    seen.sort(key=lambda confusion: confusion.share_of_label - confusion.share)
    return tuple(seen[:limit])
