"""Tailoring: a product's cut and cloth become a flat picture with transparency, shaded like cloth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from vitrine.demo.cut import Outline, Product, ProductPart, Seam, rounded
from vitrine.demo.fabrics import SWATCH, Cloth
from vitrine.demo.palette import bytes_of

CANVAS = 400
"""Pixels per side of a product's flat picture."""
FINE = 2
"""Outlines are drawn this many times larger and reduced, which softens their edges."""

Coverage = NDArray[np.float32]
"""float32 [CANVAS, CANVAS], from 0 to 1."""


def tailor(product: Product, cloth: Cloth, rng: np.random.Generator) -> Image.Image:
    """Sew the product from the cloth, as an RGBA picture of CANVAS x CANVAS pixels."""
    sheet = Image.fromarray((cloth * 255.0 + 0.5).astype(np.uint8))
    colour = _cut_cloth(sheet, 0.0, (0.0, 0.0))
    alpha = np.zeros((CANVAS, CANVAS), np.float32)
    for part in product.parts:
        cover = _coverage(part.outline)
        offset = rng.uniform(-60.0, 60.0, 2).tolist()
        piece = (
            _material(part, sheet, (offset[0], offset[1])) * _relief(cover, part.shade)[..., None]
        )
        colour += (piece - colour) * cover[..., None]
        alpha = np.maximum(alpha, cover)
    light = _drape(rng) * _seams(product.seams)
    pixels = np.dstack([np.clip(colour * light[..., None], 0.0, 1.0), alpha])
    return Image.fromarray((pixels * 255.0 + 0.5).astype(np.uint8), "RGBA")


def _material(
    part: ProductPart, sheet: Image.Image, offset: tuple[float, float]
) -> NDArray[np.float32]:
    if part.fill is None:
        return _cut_cloth(sheet, part.turn, offset)
    plain = np.asarray(bytes_of(part.fill), np.float32) / 255.0
    return np.broadcast_to(plain, (CANVAS, CANVAS, 3))


def _cut_cloth(
    sheet: Image.Image, degrees: float, offset: tuple[float, float]
) -> NDArray[np.float32]:
    """Cut a CANVAS square from the middle of the cloth, rotated and moved."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    half, middle = CANVAS / 2, SWATCH / 2
    matrix = (
        cos, sin, middle + offset[0] - half * (cos + sin),
        -sin, cos, middle + offset[1] - half * (cos - sin),
    )  # fmt: skip
    turned = sheet.transform(
        (CANVAS, CANVAS), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    return np.asarray(turned, np.float32) / 255.0


def _coverage(outline: Outline) -> Coverage:
    """Return the share of each pixel that is inside the outline."""
    side = CANVAS * FINE
    plate = Image.new("L", (side, side))
    points = [(x * side, y * side) for x, y in rounded(outline)]
    ImageDraw.Draw(plate).polygon(points, fill=255)
    return np.asarray(plate.reduce(FINE), np.float32) / 255.0


def _relief(cover: Coverage, shade: float) -> Coverage:
    """Shade the edges, where cloth bends away: brightness falls by a third over about the last 12 pixels."""
    plate = Image.fromarray((cover * 255.0).astype(np.uint8)).filter(ImageFilter.BoxBlur(8))
    depth = np.clip(np.asarray(plate, np.float32) / 127.5 - 1.0, 0.0, 1.0)
    return np.asarray(shade * (0.70 + 0.30 * np.sqrt(depth)), np.float32)


def _drape(rng: np.random.Generator) -> Coverage:
    """Return broad soft waves of light over the whole product, about one part in ten."""
    coarse = rng.normal(1.0, 0.075, (7, 5)).astype(np.float32)
    plate = Image.fromarray(coarse).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
    return np.asarray(plate, np.float32)


def _seams(seams: tuple[Seam, ...]) -> Coverage:
    """Return the light that the seams leave: 1 where there is no seam."""
    plate = Image.new("L", (CANVAS, CANVAS), 255)
    draw = ImageDraw.Draw(plate)
    for seam in seams:
        points = [(x * CANVAS, y * CANVAS) for x, y in seam.points]
        level = round(255 * (1.0 - seam.strength))
        draw.line(points, fill=level, width=max(1, round(seam.width * CANVAS)), joint="curve")
    return np.asarray(plate.filter(ImageFilter.GaussianBlur(1.2)), np.float32) / 255.0
