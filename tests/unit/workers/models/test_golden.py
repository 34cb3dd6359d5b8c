"""Pretrained MobileNets on real pictures against vectors stored from transformers itself."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vitrine.contracts import ItemFailure
from workers.decode import decode, prepare_pillow
from workers.models.base import EmbeddingModel
from workers.models.open import open_model
from workers.normalise import l2_normalise

MODELS = ("mobilenet_v2_1.0_224", "mobilenet_v1_0.25_128")
SAME = 0.9999
TURNED_JPEG = 0.995
MAX_PIXELS = 50_000_000

Vectors: TypeAlias = NDArray[np.float32]
Embed: TypeAlias = Callable[[list[Path]], Vectors]


@pytest.fixture(autouse=True)
def _prepared() -> Iterator[None]:
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        prepare_pillow()
        yield
    Image.MAX_IMAGE_PIXELS = limit


def upright(path: Path) -> Image.Image:
    return decode(path.read_bytes(), max_pixels=MAX_PIXELS)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, shared_data: Path) -> EmbeddingModel:
    return open_model(str(shared_data / "models" / request.param), device="cpu")


@pytest.fixture
def embed(model: EmbeddingModel) -> Embed:
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


def test_exact_copies_decode_to_the_pixels_of_their_reference(shared_data: Path) -> None:
    rows = [row for row in variants(shared_data) if row["pixel_exact"] == "yes"]
    for row in rows:
        copy, reference = (
            upright(shared_data / row["file"]),
            upright(shared_data / row["reference"]),
        )
        np.testing.assert_array_equal(np.asarray(copy), np.asarray(reference), err_msg=row["file"])


def test_catalog_pictures_decode_to_the_pixels_of_pillow(shared_data: Path) -> None:
    paths = sorted((shared_data / "images").rglob("*.jpg"))
    assert len(paths) > 300
    assert [path for path in paths if not _equals_pillow(path)] == []


def _equals_pillow(path: Path) -> bool:
    with Image.open(path) as image:
        plain = np.asarray(image.convert("RGB"))
    return np.array_equal(plain, np.asarray(upright(path)))


MANIFEST_READS_ON = {"odd/made/bad_crc.png"}
"""Damaged data that the manifest's reader got some pixels from at its second try."""
REASONS: dict[str, set[str]] = {
    "truncated": {"truncated", "not_an_image"},
    "corrupt": {"corrupt", "truncated", "not_an_image"},
    "bomb": {"too_many_pixels", "not_an_image"},
    "zero-dim": {"not_an_image", "corrupt"},
    "not-pil": {"not_an_image"},
}


def test_every_odd_file_ends_decoded_or_with_its_kind_of_reason(shared_data: Path) -> None:
    with (shared_data / "odd" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 100
    for row in rows:
        _check_odd(row, shared_data / row["file"])


ACCEPTED = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "AVIF", "BMP"}


def _check_odd(row: dict[str, Any], path: Path) -> None:
    outcome = _outcome(path)
    if isinstance(outcome, Image.Image):
        assert row["pil_decodes"] == "yes", row["file"]
        assert row["format"] in ACCEPTED, row["file"]
        assert f"{outcome.width}x{outcome.height}" == row["size_after_exif_transpose"], row["file"]
        return
    if row["pil_decodes"] == "yes" and row["file"] not in MANIFEST_READS_ON:
        pixels = int(row["width"]) * int(row["height"])
        assert row["format"] not in ACCEPTED or pixels > MAX_PIXELS, row["file"]
    expected = REASONS.get(row["tag"])
    assert expected is None or str(outcome.reason) in expected, row["file"]


def _outcome(path: Path) -> Image.Image | ItemFailure:
    try:
        return upright(path)
    except ItemFailure as failure:
        return failure


def test_16_bit_grey_decodes_to_the_8_bit_grey_it_was_made_from(shared_data: Path) -> None:
    rows = [row for row in variants(shared_data) if row["kind"] == "gray16"]
    assert rows
    for row in rows:
        with Image.open(shared_data / row["file"]) as image:
            grey = np.asarray(image) // 257
        decoded = np.asarray(upright(shared_data / row["file"]))
        np.testing.assert_array_equal(decoded, np.repeat(grey[:, :, None], 3, axis=2))
