"""Silhouettes of bags. Each function takes a random generator and returns the cut of one product."""

from __future__ import annotations

import numpy as np

from vitrine.demo.cut import (
    Outline,
    Product,
    ProductPart,
    Seam,
    band,
    box,
    disc,
    mirrored,
    rounded,
    sharp,
    symmetric,
)
from vitrine.demo.palette import LEATHERS, Rgb

BRASS: Rgb = (0.80, 0.66, 0.36)


def tote_bag(rng: np.random.Generator) -> Product:
    """Cut a tall open bag with two handles of the same cloth."""
    top, width = rng.uniform(0.34, 0.42), rng.uniform(0.26, 0.34)
    arch = _arch(0.13, top + 0.06, rng.uniform(0.06, 0.14))
    handle = ProductPart(band(arch, 0.035), turn=90.0)
    behind = ProductPart(
        band(tuple((x + 0.012, y - 0.02) for x, y in arch), 0.035), turn=90.0, shade=0.7
    )
    body = symmetric(sharp((0.5 + width, top), (0.5 + width * 0.94, 0.93)))
    hem = Seam(((0.5 - width, top + 0.035), (0.5 + width, top + 0.035)), strength=0.25)
    return Product((behind, ProductPart(body), handle), (hem,))


def handbag(rng: np.random.Generator) -> Product:
    """Cut a small stiff bag with a flap, a clasp and a leather handle."""
    leather = _leather(rng)
    top, width, flap = rng.uniform(0.40, 0.46), rng.uniform(0.30, 0.37), rng.uniform(0.62, 0.70)
    handle = ProductPart(
        band(_arch(0.17, top + 0.02, rng.uniform(0.08, 0.18)), 0.034), fill=leather
    )
    body = symmetric((*sharp((0.5 + width * 0.86, top)), *sharp((0.5 + width, 0.84)), (0.5, 0.86)))
    lid: Outline = (
        (0.5 + width * 0.86, top),
        (0.5 + width * 0.86, top),
        (0.5 + width * 0.9, flap - 0.06),
        (0.60, flap),
    )
    front = symmetric(lid)
    edge = rounded(lid[1:] + mirrored(lid[1:]), closed=False)
    clasp = ProductPart(box(0.472, flap - 0.035, 0.528, flap + 0.03), fill=BRASS)
    return Product(
        (handle, ProductPart(body, shade=0.9), ProductPart(front, shade=1.03), clasp),
        (Seam(edge, strength=0.45),),
    )


def backpack(rng: np.random.Generator) -> Product:
    """Cut a rounded bag with a front pocket, a zip, side straps and a loop on top."""
    leather, width, pocket = _leather(rng), rng.uniform(0.24, 0.29), rng.uniform(0.56, 0.62)
    loop = ProductPart(band(_arch(0.07, 0.16, 0.05), 0.026), fill=leather)
    strap: Outline = (
        (0.5 + width * 0.7, 0.20),
        (0.5 + width + 0.06, 0.36),
        (0.5 + width + 0.05, 0.70),
        (0.5 + width * 0.85, 0.84),
    )
    straps = tuple(ProductPart(band(line, 0.05), fill=leather) for line in (strap, mirrored(strap)))
    body: Outline = (
        (0.5, 0.10), (0.5 + width * 0.9, 0.11), (0.5 + width, 0.30), *sharp((0.5 + width, 0.90)), (0.5, 0.92)
    )  # fmt: skip
    front = symmetric(
        (
            (0.5, pocket),
            *sharp((0.5 + width * 0.74, pocket)),
            (0.5 + width * 0.78, 0.86),
            (0.5, 0.88),
        )
    )
    zip_line = rounded(
        (
            (0.5 - width * 0.85, 0.44),
            (0.5 - width * 0.8, 0.25),
            (0.5, 0.22),
            (0.5 + width * 0.8, 0.25),
            (0.5 + width * 0.85, 0.44),
        ),
        closed=False,
    )
    seams = (
        Seam(zip_line, width=0.009, strength=0.5),
        Seam((*front, front[0]), strength=0.35),
        Seam(
            ((0.5 - width * 0.7, pocket + 0.05), (0.5 + width * 0.7, pocket + 0.05)),
            width=0.008,
            strength=0.45,
        ),
    )
    return Product(
        (*straps, loop, ProductPart(symmetric(body)), ProductPart(front, shade=1.05)), seams
    )


def duffel_bag(rng: np.random.Generator) -> Product:
    """Cut a long round bag with leather ends, two handles and a zip."""
    leather, top, bottom = _leather(rng), rng.uniform(0.34, 0.39), rng.uniform(0.80, 0.86)
    body: Outline = (
        (0.5, top),
        (0.86, top),
        (0.95, (top + bottom) / 2),
        (0.91, bottom),
        *sharp((0.80, bottom + 0.01)),
    )
    end: Outline = (
        (0.87, top + 0.012),
        (0.90, top + 0.03),
        (0.95, (top + bottom) / 2),
        (0.905, bottom - 0.01),
        (0.87, bottom + 0.002),
    )
    grip = _arch(0.17, top + 0.13, rng.uniform(0.14, 0.22))
    handle = ProductPart(band(grip, 0.032), fill=leather)
    rings = tuple(ProductPart(disc(x, top + 0.13, 0.014), fill=BRASS) for x in (0.33, 0.67))
    parts = (
        ProductPart(symmetric(body)),
        ProductPart(end, fill=leather),
        ProductPart(mirrored(end), fill=leather),
        handle,
        *rings,
    )
    zip_line = ((0.2, top + 0.03), (0.8, top + 0.03))
    return Product(parts, (Seam(zip_line, width=0.01, strength=0.5),))


def _leather(rng: np.random.Generator) -> Rgb:
    return LEATHERS[int(rng.integers(len(LEATHERS)))]


def _arch(half: float, foot: float, top: float) -> Outline:
    """Return the line of a handle, from one end over the top to the other."""
    return rounded(
        (
            (0.5 - half, foot),
            (0.5 - half, (foot + top) / 2),
            (0.5 - half * 0.8, top),
            (0.5 + half * 0.8, top),
            (0.5 + half, (foot + top) / 2),
            (0.5 + half, foot),
        ),
        closed=False,
    )
