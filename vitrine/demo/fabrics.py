"""Patterned fabrics: a pattern and a colour become a swatch from which garments are cut.

Stripes, checks and dots are coverage functions of the thread coordinates (in pixels), with edges one pixel
soft; florals are drawn as polygons at twice the size and reduced.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vitrine.demo.palette import CREAM, Rgb, bytes_of, dye_lot, mix

SWATCH = 600
"""Pixels per side; larger than the diagonal of a garment's canvas, so that a rotated cut stays inside."""

Plane: TypeAlias = NDArray[np.float32]
"""float32 [SWATCH, SWATCH]."""
Cloth: TypeAlias = NDArray[np.float32]
"""float32 [SWATCH, SWATCH, 3], sRGB from 0 to 1."""


def swatch(pattern: str, colour: str, rng: np.random.Generator) -> Cloth:
    """Weave one product's fabric, with individual dye, scale, angle and thread structure."""
    cloth = PATTERNS[pattern](dye_lot(colour, rng), rng)
    return np.asarray(np.clip(cloth * _weave(rng)[..., None], 0.0, 1.0), np.float32)


def _plain(dye: Rgb, rng: np.random.Generator) -> Cloth:
    """Weave one colour, with a barely visible gradient."""
    return _blend(
        dye,
        mix(dye, CREAM, rng.uniform(0.0, 0.06)),
        _turned(rng, 0.0)[0] / np.float32(SWATCH) + np.float32(0.5),
    )


def _stripes(dye: Rgb, rng: np.random.Generator) -> Cloth:
    """Weave crosswise, lengthwise or diagonal bands on cream or a pale tint, some with a thin line between."""
    across, _ = _turned(rng, float(rng.choice([0.0, 90.0, 90.0, 45.0])))
    period = rng.uniform(18.0, 36.0)
    cover = _bands(across, period, rng.uniform(0.45, 0.62))
    if rng.random() < 0.35:
        cover = np.maximum(cover, _bands(across + period / 2, period, 0.08))
    return _blend(_ground(dye, rng), dye, cover)


def _checks(dye: Rgb, rng: np.random.Generator) -> Cloth:
    """Weave gingham (two crossing half-strength bands), or a tartan of bands with thin lines over them."""
    across, along = _turned(rng, float(rng.choice([0.0, 0.0, 45.0])))
    period = rng.uniform(25.0, 46.0)
    share = rng.uniform(0.46, 0.54)
    cover = 0.5 * _bands(across, period, share) + 0.5 * _bands(along, period, share)
    cloth = _blend(_ground(dye, rng), dye, cover)
    if rng.random() < 0.5:
        lines = np.maximum(
            _bands(across + period / 2, period, 0.07), _bands(along + period / 2, period, 0.07)
        )
        cloth += (np.asarray(mix(dye, (0, 0, 0), 0.45), np.float32) - cloth) * (
            0.7 * lines[..., None]
        )
    return cloth


def _dots(dye: Rgb, rng: np.random.Generator) -> Cloth:
    """Print discs on a square or staggered lattice, cream on the dye."""
    across, along = _turned(rng, float(rng.choice([0.0, 45.0])))
    pitch = rng.uniform(23.0, 42.0)
    row = np.floor(along / pitch)
    shift = np.where(row % 2 == 1, pitch / 2, 0.0) if rng.random() < 0.5 else 0.0
    u = (across + shift) % pitch - pitch / 2
    v = along % pitch - pitch / 2
    cover = _inside(rng.uniform(0.24, 0.33) * pitch - np.hypot(u, v))
    return _blend(dye, _ground(dye, rng), cover)


def _florals(dye: Rgb, rng: np.random.Generator) -> Cloth:
    """Print scattered blossoms of five to eight petals with leaves between, in cream and tints on the dye."""
    scale = 2
    sheet = Image.new("RGB", (SWATCH * scale, SWATCH * scale), bytes_of(dye))
    draw = ImageDraw.Draw(sheet)
    pitch = rng.uniform(38.0, 58.0) * scale
    petals = int(rng.integers(5, 9))
    leaf = bytes_of(mix(dye, (0.05, 0.10, 0.05), 0.5))
    blossoms = [bytes_of(CREAM), bytes_of(mix(dye, CREAM, 0.72)), bytes_of(mix(dye, CREAM, 0.5))]
    for x, y in _scattered(pitch, SWATCH * scale, rng):
        radius = pitch * rng.uniform(0.30, 0.44)
        turn = rng.uniform(0.0, 2 * math.pi)
        for side in (0.7, 2.6):
            draw.polygon(_petal(x, y, turn + side, 1.75 * radius, 0.22 * radius), fill=leaf)
        fill = blossoms[int(rng.integers(len(blossoms)))]
        for number in range(petals):
            angle = turn + 2 * math.pi * number / petals
            draw.polygon(_petal(x, y, angle, radius, radius * 1.35 / petals), fill=fill)
        heart = 0.2 * radius
        draw.ellipse((x - heart, y - heart, x + heart, y + heart), fill=leaf)
    return np.asarray(sheet.reduce(scale), np.float32) / 255.0


PATTERNS: dict[str, Callable[[Rgb, np.random.Generator], Cloth]] = {
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
    "florals": _florals,
    "plain": _plain,
}


def _ground(dye: Rgb, rng: np.random.Generator) -> Rgb:
    """Return the background of a pattern: cream, or cream with a hint of the dye."""
    return mix(CREAM, dye, rng.uniform(0.0, 0.08))


def _turned(rng: np.random.Generator, degrees: float) -> tuple[Plane, Plane]:
    """Return thread coordinates in pixels, rotated by about `degrees` and shifted at random."""
    angle = math.radians(degrees + rng.uniform(-4.0, 4.0))
    line = np.arange(SWATCH, dtype=np.float32) - SWATCH / 2
    x, y = line[None, :], line[:, None]
    offset = rng.uniform(0.0, 100.0, 2).astype(np.float32)
    across = np.float32(math.cos(angle)) * x + np.float32(math.sin(angle)) * y + offset[0]
    along = np.float32(math.cos(angle)) * y - np.float32(math.sin(angle)) * x + offset[1]
    return across, along


def _bands(position: Plane, period: float, share: float) -> Plane:
    """Return the coverage of bands that fill a `share` of each `period` pixels."""
    return _inside(share * period / 2 - np.abs(position % period - period / 2))


def _inside(depth: Plane) -> Plane:
    """Return the coverage for a signed distance to the edge in pixels; the edge is one pixel soft."""
    return np.asarray(np.clip(depth + 0.5, 0.0, 1.0), np.float32)


def _blend(under: Rgb, over: Rgb, cover: Plane) -> Cloth:
    low, high = np.asarray(under, np.float32), np.asarray(over, np.float32)
    return np.asarray(low + (high - low) * cover[..., None], np.float32)


def _weave(rng: np.random.Generator) -> Plane:
    """Return the brightness of the threads: fine lines that vary by a few per cent."""
    warp = rng.normal(1.0, 0.012, SWATCH).astype(np.float32)
    weft = rng.normal(1.0, 0.012, SWATCH).astype(np.float32)
    return warp[None, :] * weft[:, None]


def _scattered(pitch: float, side: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return points on a staggered lattice, each moved by up to a sixth of the pitch."""
    points = []
    for row in range(int(side / pitch) + 2):
        for column in range(int(side / pitch) + 2):
            dx, dy = rng.uniform(-pitch / 6, pitch / 6, 2)
            points.append((pitch * (column + row % 2 / 2) + dx, pitch * row + dy))
    return points


def _petal(
    x: float, y: float, angle: float, length: float, width: float
) -> list[tuple[float, float]]:
    """Return a pointed oval from (x, y) outwards, as a polygon."""
    cos, sin = math.cos(angle), math.sin(angle)
    outline = []
    for step in range(17):
        turn = 2 * math.pi * step / 16
        along = length * (0.5 - 0.5 * math.cos(turn))
        aside = width * math.sin(turn)
        outline.append((x + along * cos - aside * sin, y + along * sin + aside * cos))
    return outline
