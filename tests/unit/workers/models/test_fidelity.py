"""From a file's bytes to its vector, both ways, compared with transformers' own processor and
model; odd files included.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image

from vitrine.core.types import FailureReason, ItemFailure
from workers.image import as_pixels
from workers.image_decoder import ImageDecoder
from workers.images.jpeg_decode import decode_jpeg
from workers.images.pillow_decode import decode_by_pillow
from workers.models.base import EmbeddingModel, ScalesPictures, Way
from workers.models.factory import open_model
from workers.models.families import image_vectors
from workers.models.preprocess.geometry import is_very_long

pytestmark = pytest.mark.usefixtures("prepared_pillow")

TinyModel: TypeAlias = Callable[[str], Path]
Vectors: TypeAlias = NDArray[np.float64]
SAME, NEAR = 0.9999, 0.999
NEARLY_ALL = 0.98
"""This share of the odd files must be the same, and all must be near. The rest are grey pictures, where rounding moves
all three channels alike, and so the vector further."""
MAX_PIXELS = 50_000_000
WAYS: tuple[Way, ...] = ("fast", "reference")
PRETRAINED = ("mobilenet_v2_1.0_224", "mobilenet_v1_0.25_128")
TINY = ("siglip", "siglip2_fixed", "siglip2_naflex", "clip", "dinov2", "dinov2_with_registers")
"""The MobileNet with random weights is left out: one level of rounding moves its vector further than another picture."""
EVERY_PICTURE, EVERY_ODD = 24, 3
"""One in this many catalog pictures, and one of the others, is embedded; all are compared as pixels."""
LARGE_BYTES = 150_000
"""Catalog files larger than this have over a megapixel."""


def odd_files(folder: Path) -> list[Path]:
    with (folder / "odd" / "manifest.csv").open(newline="") as file:
        return [folder / row["file"] for row in csv.DictReader(file)]


def all_files(folder: Path) -> list[Path]:
    variants = sorted(path for path in (folder / "variants").rglob("*.*") if path.suffix != ".csv")
    return [*sorted((folder / "images").rglob("*.jpg")), *variants, *odd_files(folder)]


def outcome(way: Way, path: Path) -> NDArray[np.uint8] | tuple[FailureReason, str]:
    try:
        return as_pixels(ImageDecoder(MAX_PIXELS, fast=way == "fast")(path.read_bytes()))
    except ItemFailure as failure:
        return failure.reason, failure.detail


def test_every_file_has_the_same_pixels_or_the_same_reason_both_ways(shared_data: Path) -> None:
    failures = 0
    for path in all_files(shared_data):
        fast, reference = outcome("fast", path), outcome("reference", path)
        if isinstance(reference, tuple):
            assert fast == reference, path
            failures += 1
        else:
            np.testing.assert_array_equal(fast, reference, err_msg=str(path))
    assert failures > 20


def test_nearly_every_catalog_picture_goes_by_libjpeg_turbo_alone(shared_data: Path) -> None:
    paths = list((shared_data / "images").rglob("*.jpg"))
    left = [path for path in paths if decode_jpeg(path.read_bytes(), max_pixels=MAX_PIXELS) is None]
    assert len(left) <= len(paths) // 100


@cache
def catalog(folder: Path) -> tuple[bytes, ...]:
    """Return some of the catalog's pictures."""
    paths = sorted((folder / "images").rglob("*.jpg"))
    return tuple(path.read_bytes() for path in paths[::EVERY_PICTURE])


@cache
def others(folder: Path) -> tuple[bytes, ...]:
    """Return some of the variants and odd files that decode, and that are not too long for an ordinary processor."""
    paths = [path for path in all_files(folder) if "images" not in path.parts]
    return tuple(path.read_bytes() for path in paths[::EVERY_ODD] if _is_usual(path))


def _is_usual(path: Path) -> bool:
    """Return whether it decodes, and a processor that scales by the shortest edge does not need gigabytes for it."""
    pixels = outcome("reference", path)
    return not isinstance(pixels, tuple) and not is_very_long(*pixels.shape[:2])


@pytest.fixture
def directory_of(shared_data: Path, tiny_model: TinyModel) -> Callable[[str], Path]:
    return lambda name: shared_data / "models" / name if name in PRETRAINED else tiny_model(name)


@cache
def expected(directory: Path, sample: tuple[bytes, ...]) -> Vectors:
    """Return transformers' vectors of the pictures, fully decoded by Pillow."""
    processor: Any = transformers.AutoImageProcessor
    processor = processor.from_pretrained(directory, backend="pil")
    model = transformers.AutoModel.from_pretrained(directory).eval()
    return units(
        [
            _plainly(processor, model, decode_by_pillow(data, max_pixels=MAX_PIXELS))
            for data in sample
        ]
    )


@torch.inference_mode()
def _plainly(processor: Any, model: Any, image: Image.Image) -> NDArray[np.float32]:
    vector: NDArray[np.float32]
    vector = image_vectors(model, dict(processor(images=image, return_tensors="pt")))[0].numpy()
    return vector


def units(vectors: list[NDArray[np.float32]] | NDArray[np.float32]) -> Vectors:
    stacked = np.stack([vector.astype(np.float64) for vector in vectors])
    return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True))


def embedded(model: EmbeddingModel, decoder: ImageDecoder, files: tuple[bytes, ...]) -> Vectors:
    return units([model.embed([model.preprocess(decoder(data))])[0] for data in files])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [*PRETRAINED, *TINY])
def test_vectors_are_those_of_transformers(
    name: str, way: Way, shared_data: Path, directory_of: Callable[[str], Path]
) -> None:
    directory = directory_of(name)
    model = open_model(str(directory), device="cpu", preprocess=way)
    decoder = ImageDecoder(MAX_PIXELS, fast=way == "fast")
    pictures, odd = catalog(shared_data), others(shared_data)
    found, wanted = embedded(model, decoder, pictures), expected(directory, pictures)
    assert (found * wanted).sum(axis=1).min() >= SAME
    # Other pictures are further apart than that; otherwise the check would show little.
    assert np.median((found * np.roll(wanted, 1, axis=0)).sum(axis=1)) < SAME
    cosines = (embedded(model, decoder, odd) * expected(directory, odd)).sum(axis=1)
    assert cosines.min() >= NEAR
    assert (cosines >= SAME).mean() >= NEARLY_ALL


def test_vectors_of_scaled_jpegs_are_near_those_of_transformers(
    shared_data: Path, directory_of: Callable[[str], Path]
) -> None:
    directory = directory_of("mobilenet_v1_0.25_128")
    paths = sorted((shared_data / "images").rglob("*.jpg"))
    large = [path.read_bytes() for path in paths if path.stat().st_size > LARGE_BYTES]
    sample = tuple(large[:: max(1, len(large) // 8)])
    model = open_model(str(directory), device="cpu")
    assert isinstance(model, ScalesPictures)
    decoder = ImageDecoder(MAX_PIXELS, scaled_size=model.scaled_size)
    whole = ImageDecoder(MAX_PIXELS)
    for data in sample:
        assert as_pixels(decoder(data)).size < as_pixels(whole(data)).size / 3
    cosines = (embedded(model, decoder, sample) * expected(directory, sample)).sum(axis=1)
    assert cosines.min() >= NEAR


def test_a_cap_of_the_longest_side_leaves_a_mobilenets_vectors_near(
    shared_data: Path, camera_pictures: list[Image.Image], capped_pictures: list[Image.Image]
) -> None:
    # It amplifies a single level of rounding; `test_dtype` covers the registry's families.
    model = open_model(str(shared_data / "models" / PRETRAINED[1]), device="cpu")
    plain, cut = (
        units(model.embed([model.preprocess(one) for one in each]))
        for each in (camera_pictures, capped_pictures)
    )
    assert (plain * cut).sum(axis=1).min() >= NEAR


def test_grey_vectors_are_those_of_transformers_for_grey_pictures(shared_data: Path) -> None:
    directory = shared_data / "models" / PRETRAINED[1]
    pictures = catalog(shared_data)[::4]
    processor: Any = transformers.AutoImageProcessor
    processor = processor.from_pretrained(directory, backend="pil")
    reference = transformers.AutoModel.from_pretrained(directory).eval()
    grey = [
        decode_by_pillow(data, max_pixels=MAX_PIXELS).convert("L").convert("RGB")
        for data in pictures
    ]
    wanted = units([_plainly(processor, reference, picture) for picture in grey])
    model = open_model(str(directory), device="cpu")
    found = embedded(model, ImageDecoder(MAX_PIXELS, grey=True), pictures)
    assert (found * wanted).sum(axis=1).min() >= SAME
    coloured = embedded(model, ImageDecoder(MAX_PIXELS), pictures)
    assert np.median((found * coloured).sum(axis=1)) < SAME
