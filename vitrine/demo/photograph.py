"""Photographs of a product: background, shadow, perspective, crop, light, noise and the file's format.

Another random generator gives another picture of the same product; no two pictures are alike.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from vitrine.demo.palette import Rgb, bytes_of

BACKGROUNDS: tuple[Rgb, ...] = (
    (0.97, 0.97, 0.96), (0.93, 0.93, 0.92), (0.88, 0.88, 0.87), (0.94, 0.92, 0.88), (0.89, 0.91, 0.93),
)  # fmt: skip
SIDES = (384, 400, 432)
"""Pixels; a photograph's width and height are each one of these."""
FORMATS = ("JPEG",) * 8 + ("PNG", "WEBP")
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}

Pixels = NDArray[np.float32]
"""float32 [height, width, 3], sRGB from 0 to 1 (a little beyond before the file is written)."""


def photograph(product: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Photograph an RGBA product, as an RGB picture of 384 to 432 pixels per side."""
    width, height = (int(side) for side in rng.choice(SIDES, 2))
    placed = _placed(product, (width, height), rng)
    scene = _background((width, height), placed.getchannel("A"), rng)
    scene.paste(placed, (0, 0), placed)
    lit = np.asarray(scene, np.float32) / 255.0 * _light((width, height), rng)
    noisy = lit + _noise(lit.shape, rng)
    return Image.fromarray((np.clip(noisy, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))


def as_file(picture: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    """Encode the picture, mostly as JPEG, sometimes as PNG or WebP; return the file's suffix and bytes."""
    kind = FORMATS[int(rng.integers(len(FORMATS)))]
    buffer = io.BytesIO()
    if kind == "PNG":
        picture.save(buffer, kind, compress_level=1)
    else:
        picture.save(buffer, kind, quality=int(rng.integers(76, 94)))
    return SUFFIXES[kind], buffer.getvalue()


def _placed(product: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Return the product as the camera sees it: slightly rotated, tilted, scaled and off centre."""
    width, height = size
    side = min(size) * rng.uniform(0.94, 1.14)
    angle = np.radians(rng.uniform(-7.0, 7.0))
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    seen = (corners @ turn + rng.uniform(-0.035, 0.035, (4, 2))) * side
    seen += np.array([width / 2, height / 2]) + rng.uniform(-0.03, 0.03, 2) * side
    source = (corners + 0.5) * product.width
    return product.transform(
        size, Image.Transform.PERSPECTIVE, _homography(seen, source), Image.Resampling.BILINEAR
    )


def _homography(seen: NDArray[np.float64], source: NDArray[np.float64]) -> Sequence[float]:
    """Return the eight coefficients with which Pillow maps a point of the view to its source."""
    rows = []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    answer: list[float] = np.linalg.solve(np.array(rows), source.reshape(-1)).tolist()
    return answer


def _background(
    size: tuple[int, int], silhouette: Image.Image, rng: np.random.Generator
) -> Image.Image:
    """Return a sheet of paper with the product's soft shadow on it."""
    paper = Image.new("RGB", size, bytes_of(BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]))
    dark = Image.new("RGB", size, bytes_of((0.35, 0.35, 0.37)))
    shadow = silhouette.filter(ImageFilter.BoxBlur(int(rng.integers(6, 14))))
    strength = rng.uniform(0.25, 0.5)
    moved = (int(rng.integers(-10, 11)), int(rng.integers(4, 16)))
    mask = Image.new("L", size)
    mask.paste(shadow.point(lambda level: level * strength), moved)
    paper.paste(dark, (0, 0), mask)
    return paper


def _light(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Return the light (exposure, white balance, a lamp to one side): float32 [height, width, 3]."""
    width, height = size
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    towards = rng.uniform(-0.08, 0.08, 2).astype(np.float32)
    field = np.float32(rng.uniform(0.86, 1.06)) * (1.0 + towards[0] * x + towards[1] * y)
    balance = rng.normal(1.0, 0.018, 3).astype(np.float32)
    return np.asarray(field[..., None] * balance, np.float32)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Pixels:
    """Return the sensor's noise: normal, with a standard deviation of 1 to 4 levels of 255."""
    grain = rng.standard_normal(shape, dtype=np.float32)
    return grain * np.float32(rng.uniform(1.0, 4.0) / 255.0)
