"""Photographs and their copies in other formats, with the built-in model: which are near-identical, and which are not."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vitrine.similarity.pairs import nearest_neighbours, star_groups
from vitrine.similarity.threshold import Threshold, choose_threshold
from workers.image_decoder import ImageDecoder
from workers.models.factory import open_model

OTHERS = 9  #: One in this many photographs is added as a picture that is not a copy.
CHANGED = {"gray", "gray16", "rgba_top_transparent", "orient6_tiff"}
"""Copies that show something else, or whose format is not accepted."""


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Pictures:
    """Files with the photograph that each shows, and their vectors: float32 [n, dimension]."""

    def __init__(self, data: Path) -> None:
        variants = [
            row for row in _rows(data / "variants" / "variants.csv") if row["kind"] not in CHANGED
        ]
        bases = {row["base"] for row in variants}
        files = [row["file"] for row in _rows(data / "labels.csv")]
        photographs = [file for number, file in enumerate(files) if number % OTHERS == 0]
        shown = [*sorted({*photographs, *bases}), *(row["file"] for row in variants)]
        self.of = [*sorted({*photographs, *bases}), *(row["base"] for row in variants)]
        self.vectors = self._embedded([data / file for file in shown])
        self.threshold: Threshold = choose_threshold(self.vectors)

    @staticmethod
    def _embedded(paths: list[Path]) -> NDArray[np.float32]:
        model, decode = open_model("builtin", device="cpu"), ImageDecoder(10**8)
        made = model.embed([model.preprocess(decode(path.read_bytes())) for path in paths])
        unit: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
        return unit


@pytest.fixture(scope="module")
def pictures(shared_data: Path) -> Pictures:
    return Pictures(shared_data)


def test_every_copy_is_found_and_nothing_else(pictures: Pictures) -> None:
    groups = star_groups(pictures.vectors, pictures.threshold.cosine)
    found = [{pictures.of[row] for row in group} for group in groups]
    assert all(len(photographs) == 1 for photographs in found)
    copies = len(pictures.of) - len(set(pictures.of))
    assert copies > 50
    assert sum(len(group) - 1 for group in groups) == copies


def test_the_threshold_lies_in_the_gap_between_copies_and_others(pictures: Pictures) -> None:
    near = nearest_neighbours(pictures.vectors).distances
    copied = {photograph for photograph in pictures.of if pictures.of.count(photograph) > 1}
    is_copied = np.array([photograph in copied for photograph in pictures.of])
    distance = pictures.threshold.distance
    assert near[is_copied].max() < distance < near[~is_copied].min()
