"""Quality of neighbour judgements on labelled pictures: the relevance cut, near-duplicates, and steering.

All functions take vectors, float32 [n, dimension] of unit length, with a label or a file per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrine.similarity.blend import WeightedVector, blend
from vitrine.similarity.pairs import nearest_neighbours, star_groups
from vitrine.similarity.relevance import compute_relevance
from vitrine.similarity.score_baseline import ScoreBaseline
from vitrine.similarity.threshold import DISTANCE_RATIO, choose_threshold, median_pair_distance

Vectors = NDArray[np.float32]
Labels = NDArray[np.str_]

FLAT = np.arange(0, 1, 0.01)
ALWAYS = 10  #: Hits kept by the rule that judges nothing.
SIZES = (2, 3, 4, 6, None)
SHOWN = 10  #: Hits among which a user finds examples to steer by.
COUNTED = 5  #: Hits evaluated after steering.


@dataclass(frozen=True, slots=True)
class Cuts:
    """Mean F1 of the kept hits, where hits with the query's label are relevant."""

    per_question: float
    flat: float  #: The best fixed score for each half of the queries, used on the other half.
    always: float  #: The first ten, whatever their score.
    best_possible: float  #: Each query cut at its ideal position.
    by_flat: NDArray[np.float64]  #: For each of `FLAT`.


def cuts(vectors: Vectors, labels: Labels) -> Cuts:
    """Query with every picture for the others with its label."""
    background = ScoreBaseline(vectors)
    copies = background.near_duplicates.cosine
    rows: list[tuple[float, float, float]] = []
    flats: list[list[float]] = []
    for row, vector in enumerate(vectors):
        others = np.arange(len(vectors)) != row
        scores = (vectors @ vector)[others]
        right = (labels == labels[row])[others]
        if not right.any():
            continue
        order = np.argsort(-scores)
        found = compute_relevance(background.scores(vector), scores[order].tolist(), copies=copies)
        ranked = right[order].cumsum()
        possible = 2 * ranked / (np.arange(1, len(ranked) + 1) + right.sum())
        rows.append((_f1(scores >= found.cut, right), possible[ALWAYS - 1], possible.max()))
        flats.append([_f1(scores >= flat, right) for flat in FLAT])
    by_flat = np.array(flats)
    mine, always, possible_best = np.array(rows).mean(axis=0)
    return Cuts(mine, _crossed(by_flat), always, possible_best, by_flat.mean(axis=0))


def uneven(labels: Labels) -> NDArray[np.intp]:
    """Return rows that keep 2, 3, 4, 6 or all pictures for each fifth of the labels, as in real catalogs."""
    kept = [
        np.flatnonzero(labels == name)[: SIZES[number % len(SIZES)]]
        for number, name in enumerate(np.unique(labels))
    ]
    return np.sort(np.concatenate(kept))


def _f1(kept: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    return 2 * float((kept & right).sum()) / float(kept.sum() + right.sum())


def _crossed(by_flat: NDArray[np.float64]) -> float:
    """Choose on every second query and judge on the others. Returns the mean of both directions."""
    halves = by_flat[::2], by_flat[1::2]
    taken = [other[:, half.mean(axis=0).argmax()].mean() for half, other in (halves, halves[::-1])]
    return float(np.mean(taken))


@dataclass(frozen=True, slots=True)
class Copies:
    """How well copies are found, at one share of the usual distance."""

    share: float
    found: float  #: Share of the copies that are grouped with their own picture.
    false: int  #: Pictures grouped with one that they do not copy.


def copies_found(vectors: Vectors, files: Sequence[str], shares: Sequence[float]) -> list[Copies]:
    """Count correctly and wrongly grouped rows at each share. Rows with the same file are copies of each other."""
    near = nearest_neighbours(vectors)
    usual = median_pair_distance(vectors)
    copies = len(files) - len(set(files))
    found = []
    for share in shares:
        cosine = (
            choose_threshold(vectors).cosine
            if share == DISTANCE_RATIO
            else 1 - (share * usual) ** 2 / 2
        )
        rows = np.flatnonzero(near.distances**2 <= 2 - 2 * cosine)
        groups = [[files[rows[one]] for one in star] for star in star_groups(vectors[rows], cosine)]
        right = sum(file == group[0] for group in groups for file in group[1:])
        grouped = sum(len(group) - 1 for group in groups)
        found.append(Copies(share, right / copies, grouped - right))
    return found


def steered(vectors: Vectors, labels: Labels) -> dict[str, float]:
    """Return the share of the next hits with the query's label, unsteered and steered by examples from the first hits."""
    background = ScoreBaseline(vectors)
    shares: dict[str, list[float]] = {"plain": [], "minus": [], "plus": [], "plus_and_minus": []}
    for row, vector in enumerate(vectors):
        shown = [int(hit) for hit in np.argsort(-(vectors @ vector)) if hit != row][:SHOWN]
        right = [hit for hit in shown if labels[hit] == labels[row]][:1]
        wrong = [hit for hit in shown if labels[hit] != labels[row]][:1]
        if not (right and wrong):
            continue
        for name, found in shares.items():
            like = [row, *right] if "plus" in name else [row]
            unlike = wrong if "minus" in name else []
            target = blend(_weighted(vectors, like), _weighted(vectors, unlike), background)
            if target is not None:
                # Exclude the examples from every ranking, however it was steered, so that all look for the same.
                scores = vectors @ target
                scores[[row, *right, *wrong]] = -np.inf
                best = np.argsort(-scores)[:COUNTED]
                found.append(float((labels[best] == labels[row]).mean()))
    return {name: float(np.mean(share)) for name, share in shares.items()}


def _weighted(vectors: Vectors, rows: Sequence[int]) -> list[WeightedVector]:
    return [WeightedVector(vectors[row]) for row in rows]
