"""Split of pictures into training and validation, a fixed number per class, by the catalog's own split or at random."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vitrine.evaluation.sample import LabelledPicture, SplitPart, random_key

TRAIN, VALIDATION = 10, 20
"""Pictures per class in the published protocol that this follows: 10 to learn from, 20 to guess."""


@dataclass(frozen=True, slots=True)
class ShotCounts:
    """Pictures per class for each part. Validation may have fewer; training may not."""

    train: int = TRAIN
    validation: int = VALIDATION
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of the pictures in each part, and the classes with too few."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    left_out: tuple[str, ...]


def split(pictures: Sequence[LabelledPicture], shots: ShotCounts) -> Split:
    """Split each class. The catalog's own split is used if it has one; otherwise the split is random.

    A class with fewer than `shots.train` pictures to learn from, or none to guess, is left out and listed.
    Pictures in the same group as a training picture are not used for validation.
    """
    by_class: dict[str, list[int]] = {}
    for row, picture in enumerate(pictures):
        by_class.setdefault(picture.label, []).append(row)
    named = any(picture.part is not None for picture in pictures)
    train: list[int] = []
    validation: list[int] = []
    left_out: list[str] = []
    for label, rows in sorted(by_class.items()):
        learnt, asked = _divide(_shuffled(pictures, rows, shots.seed), pictures, shots, named=named)
        if len(learnt) < shots.train or not asked:
            left_out.append(label)
            continue
        train += learnt
        validation += asked
    return Split(tuple(train), tuple(validation), tuple(left_out))


def _shuffled(pictures: Sequence[LabelledPicture], rows: Iterable[int], seed: int) -> list[int]:
    """Shuffle by group, so that a group is used up before the next one starts."""

    def order(row: int) -> tuple[bytes, bytes]:
        picture = pictures[row]
        return random_key(seed, picture.group), random_key(seed, picture.key)

    return sorted(rows, key=order)


def _divide(
    rows: Sequence[int], pictures: Sequence[LabelledPicture], shots: ShotCounts, *, named: bool
) -> tuple[list[int], list[int]]:
    """Return the training and validation rows of one class."""
    allowed = [row for row in rows if not named or pictures[row].part is SplitPart.TRAIN]
    learnt = allowed[: shots.train]
    known = {pictures[row].group for row in learnt}
    rest = [row for row in rows if not named or pictures[row].part is SplitPart.VALIDATION]
    asked = [row for row in rest if pictures[row].group not in known]
    return learnt, asked[: shots.validation]
