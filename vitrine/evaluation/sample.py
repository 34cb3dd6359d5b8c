"""What is evaluated: pictures that somebody labelled, and the vectors that a model gave them.

A `LabelledPicture` comes from a catalog's row or from a collection's point. Which pictures are looked at, and which of
them are asked as questions, is drawn by a digest of seed and key: the same for every model and every order of rows.
"""

from __future__ import annotations

import enum
import hashlib
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.store.base import EmbeddingSpace

T = TypeVar("T")


class SplitPart(enum.StrEnum):
    """What a picture is for, where the catalog itself says so."""

    TRAIN = "train"  #: Its label is known to the classifier.
    VALIDATION = "validation"  #: Its label has to be guessed.


_PARTS = {
    "train": SplitPart.TRAIN,
    "training": SplitPart.TRAIN,
    "val": SplitPart.VALIDATION,
    "valid": SplitPart.VALIDATION,
    "validation": SplitPart.VALIDATION,
    "test": SplitPart.VALIDATION,
}


def parse_split_part(word: str) -> SplitPart | None:
    """The part that a column's value or a folder's name stands for; None for any other word."""
    return _PARTS.get(word.strip().lower())


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One labelled picture."""

    key: str  #: Unique within the catalog.
    label: str
    source: str  #: Where it is: an http(s) or file: URL.
    group: str
    """Pictures of one group are never each other's neighbours: two views of one product say nothing of a class."""
    part: SplitPart | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled pictures and their vectors; `vectors` is float32 [n, dimension] of unit length."""

    pictures: tuple[LabelledPicture, ...]
    vectors: NDArray[np.float32]
    space: EmbeddingSpace

    def __post_init__(self) -> None:
        if self.vectors.shape != (len(self.pictures), self.space.dimension):
            raise ValueError("one vector of the space's dimension for each picture")

    def only(self, keys: frozenset[str]) -> Sample:
        """The pictures of these keys, in order of key, so that two models' samples are row by row the same."""
        chosen = [row for row, picture in enumerate(self.pictures) if picture.key in keys]
        rows = sorted(chosen, key=lambda row: self.pictures[row].key)
        return Sample(tuple(self.pictures[row] for row in rows), self.vectors[rows], self.space)

    @property
    def groups(self) -> NDArray[np.intp]:
        """A number for each picture's group, [n]."""
        return encode_labels([picture.group for picture in self.pictures])[1]


def encode_labels(words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The different words in order, and for each word its number among them, [n]."""
    distinct = tuple(sorted(set(words)))
    number = {word: index for index, word in enumerate(distinct)}
    return distinct, np.array([number[word] for word in words], dtype=np.intp)


def random_key(seed: int, key: str) -> bytes:
    """The lot that a key draws: 16 bytes, evenly spread, always the same for a seed."""
    return hashlib.sha256(f"{seed}\x1f{key}".encode(errors="surrogatepass")).digest()[:16]


def random_sample(things: Iterable[T], limit: int, seed: int, key: Callable[[T], str]) -> list[T]:
    """At most `limit` of the things, by lot, without holding more of them than that."""
    return heapq.nsmallest(limit, things, key=lambda thing: random_key(seed, key(thing)))
