"""Which pictures teach and which are asked: so many a class for each, by the catalog's own parts or by lot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vitrine.evaluation.sample import LabelledPicture, SplitPart, random_key

TRAIN, VALIDATION = 10, 20
"""Pictures a class in the published protocol that this follows: 10 to learn from, 20 to guess."""


@dataclass(frozen=True, slots=True)
class ShotCounts:
    """How many pictures a class has for each part; fewer to guess will do, fewer to learn from will not."""

    train: int = TRAIN
    validation: int = VALIDATION
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of the pictures, and the classes that have too few."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    left_out: tuple[str, ...]


def split(pictures: Sequence[LabelledPicture], shots: ShotCounts) -> Split:
    """Divide each class. A catalog that names parts is taken at its word, any other is divided by lot.

    A class with fewer than `shots.train` pictures to learn from, or none to guess, is left out and named.
    Pictures of a group from which something was learnt are not asked.
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
    """By lot, group by group, so that a group is used up before the next is begun."""

    def order(row: int) -> tuple[bytes, bytes]:
        picture = pictures[row]
        return random_key(seed, picture.group), random_key(seed, picture.key)

    return sorted(rows, key=order)


def _divide(
    rows: Sequence[int], pictures: Sequence[LabelledPicture], shots: ShotCounts, *, named: bool
) -> tuple[list[int], list[int]]:
    """The rows to learn from and those to guess, of one class."""
    allowed = [row for row in rows if not named or pictures[row].part is SplitPart.TRAIN]
    learnt = allowed[: shots.train]
    known = {pictures[row].group for row in learnt}
    rest = [row for row in rows if not named or pictures[row].part is SplitPart.VALIDATION]
    asked = [row for row in rest if pictures[row].group not in known]
    return learnt, asked[: shots.validation]
