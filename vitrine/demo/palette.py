"""The colours of the drawn catalog: the sRGB value of each name, and the variation between dye lots."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Rgb: TypeAlias = tuple[float, float, float]
"""sRGB, each from 0 to 1."""

COLOURS: dict[str, Rgb] = {
    "red": (0.76, 0.13, 0.16),
    "blue": (0.13, 0.32, 0.70),
    "green": (0.12, 0.46, 0.27),
    "yellow": (0.90, 0.64, 0.08),
    "purple": (0.45, 0.22, 0.58),
    "black": (0.12, 0.12, 0.14),
}
CREAM: Rgb = (0.97, 0.96, 0.92)
LEATHERS: tuple[Rgb, ...] = ((0.45, 0.29, 0.17), (0.30, 0.19, 0.13), (0.66, 0.47, 0.29))


def dye_lot(colour: str, rng: np.random.Generator) -> Rgb:
    """Return the named colour for one product, with slightly varied hue, saturation and value."""
    hue, saturation, value = colorsys.rgb_to_hsv(*COLOURS[colour])
    return colorsys.hsv_to_rgb(
        (hue + rng.uniform(-0.012, 0.012)) % 1.0,
        min(1.0, saturation * rng.uniform(0.92, 1.06)),
        min(1.0, value * rng.uniform(0.92, 1.08)),
    )


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Mix a `share` (0 to 1) of `second` into `first`."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def bytes_of(colour: Rgb) -> tuple[int, int, int]:
    """Return a colour for Pillow: three integers from 0 to 255."""
    red, green, blue = (round(255 * max(0.0, min(1.0, part))) for part in colour)
    return red, green, blue
