"""The drawn catalog: its size, its variety, and the same pictures from the same seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vitrine.demo.drawing import CUTS, Design, DrawnItem, designs, draw_catalog
from vitrine.demo.fabrics import PATTERNS, SWATCH, swatch
from vitrine.demo.palette import COLOURS, dye_lot


def sample(count: int) -> list[Design]:
    """Return some designs that cover all patterns, colours and cuts."""
    return designs()[:: len(designs()) // count][:count]


def drawn(folder: Path, *, seed: int = 1, processes: int = 1, count: int = 6) -> list[DrawnItem]:
    return list(draw_catalog(folder, seed=seed, processes=processes, only=sample(count)))


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def test_there_are_twelve_items_of_each_pattern_and_colour() -> None:
    counts = Counter((design.pattern, design.colour) for design in designs())
    assert len(counts) == len(PATTERNS) * len(COLOURS) == 30
    assert set(counts.values()) == {len(CUTS)} == {12}
    assert len({design.id for design in designs()}) == 360


def test_every_item_has_one_to_three_pictures_that_open_at_the_size_promised(
    tmp_path: Path,
) -> None:
    for item in drawn(tmp_path, count=12):
        assert 1 <= len(item.files) <= 3
        for name in item.files:
            with Image.open(tmp_path / name) as picture:
                picture.load()
                assert picture.mode == "RGB"
                assert all(384 <= side <= 432 for side in picture.size)


def test_an_item_is_described_by_what_it_is(tmp_path: Path) -> None:
    (item,) = draw_catalog(
        tmp_path, seed=1, processes=1, only=[Design(7, "tote bag", "dots", "red")]
    )
    assert (item.id, item.title, item.category) == ("vt-0007", "Red dotted tote bag", "tote bag")
    assert (item.pattern, item.colour) == ("dots", "red")
    assert 28.0 < item.price < 161.0


def test_a_seed_draws_the_same_files_in_any_number_of_processes(tmp_path: Path) -> None:
    alone = drawn(tmp_path / "alone", count=4)
    shared = drawn(tmp_path / "shared", processes=2, count=4)
    assert alone == shared
    assert digests(tmp_path / "alone") == digests(tmp_path / "shared")


def test_another_seed_draws_another_catalog(tmp_path: Path) -> None:
    drawn(tmp_path / "one", seed=1, count=3)
    drawn(tmp_path / "two", seed=2, count=3)
    assert not set(digests(tmp_path / "one").values()) & set(digests(tmp_path / "two").values())


def test_no_two_pictures_are_alike(tmp_path: Path) -> None:
    small = []
    for item in drawn(tmp_path, count=18):
        for name in item.files:
            with Image.open(tmp_path / name) as picture:
                small.append(np.asarray(picture.resize((48, 48)), np.float32).reshape(-1))
    pixels = np.stack(small)
    apart = np.abs(pixels[:, None] - pixels[None]).mean(axis=2) + 255.0 * np.eye(len(pixels))
    assert apart.min() > 2.0  # levels of 255: more than noise and recompression add


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_fabric_shows_its_pattern_and_its_colour(pattern: str) -> None:
    cloth = swatch(pattern, "blue", np.random.default_rng(4))
    assert cloth.shape == (SWATCH, SWATCH, 3)
    assert cloth.min() >= 0.0
    assert cloth.max() <= 1.0
    assert cloth[..., 2].mean() > cloth[..., 0].mean()
    contrast = float(cloth.mean(axis=2).std())
    assert contrast < 0.05 if pattern == "plain" else contrast > 0.1


def test_dye_lots_of_a_colour_vary_but_stay_nearest_to_it() -> None:
    rng = np.random.default_rng(0)
    for name in COLOURS:
        lots = [dye_lot(name, rng) for _ in range(30)]
        assert len(set(lots)) == 30
        for lot in lots:
            nearest = min(
                COLOURS, key=lambda other: np.hypot.reduce(np.subtract(COLOURS[other], lot))
            )
            assert nearest == name
