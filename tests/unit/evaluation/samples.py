"""Hand-made samples: clusters of unit vectors with known classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitrine.evaluation.sample import LabelledPicture, Sample, SplitPart
from vitrine.store.base import EmbeddingSpace

SPACE = EmbeddingSpace("made", "r1", "rgb-1", 8)


def picture(
    key: str, label: str, *, group: str | None = None, part: SplitPart | None = None
) -> LabelledPicture:
    return LabelledPicture(key, label, f"http://shop.example/{key}.jpg", group or key, part)


def unit(rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the rows at unit length, padded with zeros to the space's dimension."""
    given = np.asarray(rows, dtype=np.float64)
    filled = np.zeros((len(given), SPACE.dimension))
    filled[:, : given.shape[1]] = given
    return np.asarray(filled / np.linalg.norm(filled, axis=1, keepdims=True), dtype=np.float32)


def clusters(classes: int, each: int, *, spread: float = 0.05, seed: int = 0) -> Sample:
    """Return `each` pictures around each of some axes, named `class0-3` and so on."""
    random = np.random.default_rng(seed)
    centres = np.repeat(np.eye(SPACE.dimension)[:classes], each, axis=0)
    vectors = unit(centres + random.normal(0.0, spread, centres.shape))
    pictures = tuple(
        picture(f"class{number}-{index}", f"class{number}")
        for number in range(classes)
        for index in range(each)
    )
    return Sample(pictures, vectors, SPACE)
