"""Confusions: pairs of confused classes, and the pictures with the most confident wrong vote."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from vitrine.evaluation.evaluation import Evaluation
from vitrine.evaluation.knn import Classification
from vitrine.evaluation.sample import LabelledPicture

NEIGHBOURS_SHOWN = 4  #: Neighbours to show next to a picture.


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """How often pictures of one class were mistaken for another."""

    label: str
    taken_for: str
    count: int
    of: int  #: Query pictures of the class.


@dataclass(frozen=True, slots=True)
class VotingNeighbour:
    """A neighbour that voted, and its cosine to the picture."""

    picture: LabelledPicture
    cosine: float


@dataclass(frozen=True, slots=True)
class Misclassification:
    """One picture that was guessed wrong."""

    picture: LabelledPicture
    taken_for: str
    share: float  #: Share of the vote for the wrong class.
    share_of_label: float  #: Share of the vote for the right class.
    neighbours: tuple[VotingNeighbour, ...]  #: The nearest neighbours, regardless of their vote.


def confused_pairs(found: Evaluation, limit: int) -> list[ConfusedPair]:
    """Return the most frequently confused pairs of classes in the leave-one-out vote."""
    voted = found.leave_one_out
    if voted is None:
        return []
    truth = found.truth[voted.rows]
    asked = Counter(truth.tolist())
    guessed = voted.guesses.classes[:, 0]
    wrong = Counter(
        (int(label), int(guess))
        for label, guess in zip(truth, guessed, strict=True)
        if guess not in (label, -1)
    )
    names = found.classes
    ranked = sorted(wrong.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]
    return [
        ConfusedPair(names[label], names[guess], count, asked[label])
        for (label, guess), count in ranked
    ]


def worst_misclassifications(found: Evaluation, limit: int) -> list[Misclassification]:
    """Return the pictures with the most wrong leave-one-out vote, worst first."""
    voted = found.leave_one_out
    if voted is None:
        return []
    lead = voted.guesses.shares[:, 0] - _share_of_label(found, voted)
    wrong = np.flatnonzero(~voted.top1 & (voted.guesses.classes[:, 0] >= 0))
    order = sorted(wrong.tolist(), key=lambda question: (-lead[question], question))
    return [misclassification_of(found, voted, question) for question in order[:limit]]


def misclassification_of(
    found: Evaluation, voted: Classification, question: int
) -> Misclassification:
    """Return one query of a vote together with its voters."""
    picture = found.sample.pictures[int(voted.rows[question])]
    guess = int(voted.guesses.classes[question, 0])
    shares = voted.guesses.shares[question]
    return Misclassification(
        picture,
        found.classes[guess] if guess >= 0 else "",
        float(shares[0]),
        float(_share_of_label(found, voted)[question]),
        _witnesses(found, voted, question),
    )


def _witnesses(
    found: Evaluation, voted: Classification, question: int
) -> tuple[VotingNeighbour, ...]:
    if voted.neighbours is None:
        return ()
    rows = voted.neighbours.rows[question, :NEIGHBOURS_SHOWN]
    distances = voted.neighbours.distances[question, :NEIGHBOURS_SHOWN]
    # Between unit vectors d² = 2 - 2 cos.
    return tuple(
        VotingNeighbour(found.sample.pictures[int(row)], float(1.0 - distance * distance / 2.0))
        for row, distance in zip(rows, distances, strict=True)
        if row >= 0
    )


def _share_of_label(found: Evaluation, voted: Classification) -> np.ndarray:
    """Return each query's share of the vote for its right class, [q]; 0 if that class is not among the guesses."""
    right = voted.guesses.classes == found.truth[voted.rows][:, None]
    return np.asarray((voted.guesses.shares * right).sum(axis=1))
