"""Pretrained MobileNets on real pictures, both ways, compared with stored vectors from transformers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vitrine.core.types import ItemFailure
from workers.image import Picture, as_pixels, width_and_height
from workers.image_decoder import ImageDecoder
from workers.models.base import EmbeddingModel, Way
from workers.models.factory import open_model
from workers.normalize import l2_normalise

pytestmark = pytest.mark.usefixtures("prepared_pillow")

MODELS = ("mobilenet_v2_1.0_224", "mobilenet_v1_0.25_128")
SAME = 0.9999
TURNED_JPEG = 0.995
MAX_PIXELS = 50_000_000

Vectors: TypeAlias = NDArray[np.float32]
Upright: TypeAlias = Callable[[Path], Picture]
Embed: TypeAlias = Callable[[list[Path]], Vectors]


WAYS: tuple[Way, ...] = ("fast", "reference")


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture(scope="module")
def upright(way: Way) -> Upright:
    decoder = ImageDecoder(MAX_PIXELS, fast=way == "fast")
    return lambda path: decoder(path.read_bytes())


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, shared_data: Path, way: Way) -> EmbeddingModel:
    directory = shared_data / "models" / request.param
    return open_model(str(directory), device="cpu", preprocess=way)


@pytest.fixture
def embed(model: EmbeddingModel, upright: Upright) -> Embed:
    def run(paths: list[Path]) -> Vectors:
        units, usable = l2_normalise(
            model.embed([model.preprocess(upright(path)) for path in paths])
        )
        assert usable.all()
        return units

    return run


def test_real_pictures_have_the_stored_vectors(
    model: EmbeddingModel, embed: Embed, shared_data: Path
) -> None:
    with np.load(shared_data / "models" / "golden.npz") as stored:
        files, expected = stored["files"], stored[model.name]
    vectors = embed([shared_data / str(name) for name in files])
    assert (vectors * expected).sum(axis=1).min() >= SAME
    assert (vectors * np.roll(expected, 1, axis=0)).sum(axis=1).max() < 0.99


def variants(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "variants" / "variants.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if not row["file"].endswith(".tif")]


def cosines_to_reference(embed: Embed, folder: Path, rows: list[dict[str, str]]) -> Vectors:
    names = sorted({row["reference"] for row in rows})
    references = dict(zip(names, embed([folder / name for name in names]), strict=True))
    copies = embed([folder / row["file"] for row in rows])
    beside = np.stack([references[row["reference"]] for row in rows])
    return np.asarray((copies * beside).sum(axis=1))


def test_exact_copies_have_the_vector_of_their_reference(embed: Embed, shared_data: Path) -> None:
    rows = [row for row in variants(shared_data) if row["pixel_exact"] == "yes"]
    assert len(rows) >= 24
    assert cosines_to_reference(embed, shared_data, rows).min() >= SAME


def test_turned_jpegs_are_near_their_reference(embed: Embed, shared_data: Path) -> None:
    kinds = {f"orient{orientation}_jpg" for orientation in range(1, 9)}
    rows = [row for row in variants(shared_data) if row["kind"] in kinds]
    assert len(rows) == 24
    assert cosines_to_reference(embed, shared_data, rows).min() >= TURNED_JPEG


def test_exact_copies_decode_to_the_pixels_of_their_reference(
    upright: Upright, shared_data: Path
) -> None:
    rows = [row for row in variants(shared_data) if row["pixel_exact"] == "yes"]
    for row in rows:
        copy, reference = (
            as_pixels(upright(shared_data / row["file"])),
            as_pixels(upright(shared_data / row["reference"])),
        )
        np.testing.assert_array_equal(copy, reference, err_msg=row["file"])


def test_catalog_pictures_decode_to_the_pixels_of_pillow(
    upright: Upright, shared_data: Path
) -> None:
    paths = sorted((shared_data / "images").rglob("*.jpg"))
    assert len(paths) > 300
    assert [path for path in paths if not _equals_pillow(path, upright(path))] == []


def _equals_pillow(path: Path, picture: Picture) -> bool:
    with Image.open(path) as image:
        plain = np.asarray(image.convert("RGB"))
    return np.array_equal(plain, as_pixels(picture))


MANIFEST_READS_ON = {"odd/made/bad_crc.png"}
"""Damaged files for which the manifest's reader obtained some pixels on its second try."""
REASONS: dict[str, set[str]] = {
    "truncated": {"truncated", "not_an_image"},
    "corrupt": {"corrupt", "truncated", "not_an_image"},
    "bomb": {"too_many_pixels", "not_an_image"},
    "zero-dim": {"not_an_image", "corrupt"},
    "not-pil": {"not_an_image"},
}


def test_every_odd_file_ends_decoded_or_with_its_kind_of_reason(
    upright: Upright, shared_data: Path
) -> None:
    with (shared_data / "odd" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 100
    for row in rows:
        _check_odd(row, _outcome(upright, shared_data / row["file"]))


ACCEPTED = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "AVIF", "BMP"}


def _check_odd(row: dict[str, Any], outcome: Picture | ItemFailure) -> None:
    if not isinstance(outcome, ItemFailure):
        width, height = width_and_height(outcome)
        assert row["pil_decodes"] == "yes", row["file"]
        assert row["format"] in ACCEPTED, row["file"]
        assert f"{width}x{height}" == row["size_after_exif_transpose"], row["file"]
        return
    if row["pil_decodes"] == "yes" and row["file"] not in MANIFEST_READS_ON:
        pixels = int(row["width"]) * int(row["height"])
        assert row["format"] not in ACCEPTED or pixels > MAX_PIXELS, row["file"]
    expected = REASONS.get(row["tag"])
    assert expected is None or str(outcome.reason) in expected, row["file"]


def _outcome(upright: Upright, path: Path) -> Picture | ItemFailure:
    try:
        return upright(path)
    except ItemFailure as failure:
        return failure


def test_16_bit_grey_decodes_to_the_8_bit_grey_it_was_made_from(
    upright: Upright, shared_data: Path
) -> None:
    rows = [row for row in variants(shared_data) if row["kind"] == "gray16"]
    assert rows
    for row in rows:
        with Image.open(shared_data / row["file"]) as image:
            grey = np.asarray(image) // 257
        decoded = as_pixels(upright(shared_data / row["file"]))
        np.testing.assert_array_equal(decoded, np.repeat(grey[:, :, None], 3, axis=2))
