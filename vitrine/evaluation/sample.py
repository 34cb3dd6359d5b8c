"""The data to evaluate: labelled pictures, and the vectors that a model gave them.

A `LabelledPicture` comes from a catalog's row or a collection's point. A digest of seed and key decides which pictures
are sampled and which of them become queries: the same for every model and every order of rows.
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
    """A picture's role, if the catalog specifies one."""

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
    """Return the part for a column's value or a folder's name, or None for any other word."""
    return _PARTS.get(word.strip().lower())


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One labelled picture."""

    key: str  #: Unique within the catalog.
    label: str
    source: str  #: Its http(s) or file: URL.
    group: str
    """Pictures in the same group are never each other's neighbours: two views of one product reveal nothing about a class."""
    part: SplitPart | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled pictures and their vectors. `vectors` is float32 [n, dimension] of unit length."""

    pictures: tuple[LabelledPicture, ...]
    vectors: NDArray[np.float32]
    space: EmbeddingSpace

    def __post_init__(self) -> None:
        if self.vectors.shape != (len(self.pictures), self.space.dimension):
            raise ValueError("one vector of the space's dimension for each picture")

    def only(self, keys: frozenset[str]) -> Sample:
        """Return the pictures with these keys, sorted by key, so that two models' samples have the same rows."""
        chosen = [row for row, picture in enumerate(self.pictures) if picture.key in keys]
        rows = sorted(chosen, key=lambda row: self.pictures[row].key)
        return Sample(tuple(self.pictures[row] for row in rows), self.vectors[rows], self.space)

    @property
    def groups(self) -> NDArray[np.intp]:
        """A number for each picture's group, [n]."""
        return encode_labels([picture.group for picture in self.pictures])[1]


def encode_labels(words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the distinct words in order, and each word's index among them, [n]."""
    distinct = tuple(sorted(set(words)))
    number = {word: index for index, word in enumerate(distinct)}
    return distinct, np.array([number[word] for word in words], dtype=np.intp)


def random_key(seed: int, key: str) -> bytes:
    """Return a random sort key: 16 bytes, evenly distributed, always the same for a seed and key."""
    return hashlib.sha256(f"{seed}\x1f{key}".encode(errors="surrogatepass")).digest()[:16]


def random_sample(things: Iterable[T], limit: int, seed: int, key: Callable[[T], str]) -> list[T]:
    """Return a random sample of at most `limit` things, never holding more than that in memory."""
    return heapq.nsmallest(limit, things, key=lambda thing: random_key(seed, key(thing)))
