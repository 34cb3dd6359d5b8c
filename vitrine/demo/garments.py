"""Silhouettes of garments. Each function takes a random generator and returns the cut of one product."""

from __future__ import annotations

import numpy as np

from vitrine.demo.cut import (
    Outline,
    Product,
    ProductPart,
    Seam,
    box,
    disc,
    mirrored,
    rounded,
    sharp,
    symmetric,
)
from vitrine.demo.palette import CREAM, Rgb

INSIDE = 0.55
"""Brightness of the inside of a neck or a hood, visible behind the front."""
BUTTON: Rgb = (0.93, 0.90, 0.84)


def t_shirt(rng: np.random.Generator) -> Product:
    """Cut a T-shirt: short sleeves, a round or deeper neck."""
    hem, waist = rng.uniform(0.82, 0.90), rng.uniform(0.265, 0.30)
    sleeve, neck = rng.uniform(0.36, 0.43), rng.uniform(0.24, 0.30)
    return _top(
        waist=waist, hem=hem, cuff=(rng.uniform(0.84, 0.88), sleeve), cuff_width=0.15, neck=neck
    )


def shirt(rng: np.random.Generator) -> Product:
    """Cut a shirt: long sleeves, a collar, a placket with buttons."""
    hem = rng.uniform(0.86, 0.92)
    base = _top(
        waist=rng.uniform(0.28, 0.31),
        hem=hem,
        cuff=(rng.uniform(0.86, 0.91), 0.72),
        cuff_width=0.075,
        neck=0.22,
    )
    collar = sharp((0.5, 0.215), (0.585, 0.135), (0.625, 0.20), (0.56, 0.28))
    buttons = tuple(
        ProductPart(disc(0.5, y, 0.009), fill=BUTTON)
        for y in np.linspace(0.30, hem - 0.07, 6).tolist()
    )
    flaps = (
        ProductPart(collar, turn=35.0, shade=1.05),
        ProductPart(mirrored(collar), turn=-35.0, shade=1.05),
    )
    seams = (
        Seam(((0.478, 0.25), (0.478, hem)), strength=0.25),
        Seam(((0.522, 0.25), (0.522, hem)), strength=0.25),
        Seam(collar[::2], strength=0.3),
        Seam(mirrored(collar[::2]), strength=0.3),
    )
    return Product(base.parts + flaps + buttons, base.seams + seams)


def hoodie(rng: np.random.Generator) -> Product:
    """Cut a hoodie: long wide sleeves, a hood, a pouch and cords."""
    hem = rng.uniform(0.84, 0.89)
    base = _top(
        waist=0.31, hem=hem, cuff=(rng.uniform(0.88, 0.92), 0.74), cuff_width=0.09, neck=0.25
    )
    hood = symmetric(((0.5, 0.04), (0.60, 0.05), (0.665, 0.14), (0.63, 0.22), (0.5, 0.265)))
    inner = symmetric(((0.5, 0.085), (0.565, 0.10), (0.60, 0.16), (0.565, 0.22), (0.5, 0.25)))
    pouch = symmetric(sharp((0.60, hem - 0.21), (0.67, hem - 0.07)))
    cords = tuple(
        Seam(((x, 0.25), (x + 0.004, 0.40)), width=0.008, strength=0.45) for x in (0.455, 0.545)
    )
    parts = (
        *base.parts,
        ProductPart(hood, turn=8.0),
        ProductPart(inner, shade=INSIDE),
        ProductPart(pouch, shade=1.04),
    )
    hems = (
        Seam(((0.31, hem - 0.045), (0.69, hem - 0.045)), strength=0.25),
        Seam((*pouch[::2], pouch[0]), strength=0.3),
    )
    return Product(parts, base.seams + cords + hems)


def jacket(rng: np.random.Generator) -> Product:
    """Cut a jacket: overlapping fronts with lapels, long sleeves, two pockets, two or three buttons."""
    hem, depth = rng.uniform(0.84, 0.92), rng.uniform(0.42, 0.52)
    base = _top(
        waist=0.29, hem=hem, cuff=(rng.uniform(0.85, 0.89), 0.75), cuff_width=0.085, neck=0.24
    )
    vest = ProductPart(sharp((0.42, 0.14), (0.58, 0.14), (0.5, depth)), fill=CREAM)
    lapel = sharp((0.575, 0.13), (0.655, 0.25), (0.60, 0.28), (0.63, 0.31), (0.5, depth + 0.01))
    lapels = (
        ProductPart(lapel, turn=24.0, shade=1.07),
        ProductPart(mirrored(lapel), turn=-24.0, shade=1.07),
    )
    buttons = tuple(
        ProductPart(disc(0.515, depth + 0.05 + 0.09 * number, 0.013), fill=(0.16, 0.13, 0.11))
        for number in range(int(rng.integers(2, 4)))
    )
    pocket = (Seam(((0.57, hem - 0.16), (0.67, hem - 0.165)), width=0.008, strength=0.45),)
    seams = (
        Seam(((0.5, depth), (0.497, hem)), strength=0.5),
        Seam((*lapel[::2], lapel[0]), strength=0.35),
        Seam((*mirrored(lapel[::2]), mirrored(lapel[::2])[0]), strength=0.35),
        *pocket,
        Seam(mirrored(pocket[0].points), width=0.008, strength=0.45),
    )
    return Product((*base.parts, vest, *lapels, *buttons), base.seams + seams)


def dress(rng: np.random.Generator) -> Product:
    """Cut a dress: a bodice with straps or small sleeves, a waist, a flared skirt."""
    waist, width, hem = rng.uniform(0.40, 0.46), rng.uniform(0.26, 0.36), rng.uniform(0.88, 0.95)
    neck = rng.uniform(0.17, 0.26)
    bodice: Outline = (
        (0.5, neck), (0.55, neck - 0.01), (0.585, 0.07), (0.585, 0.07), (0.645, 0.08), (0.645, 0.08),
        (0.635, 0.21), (0.665, 0.26), (0.61, waist), (0.61, waist),
    )  # fmt: skip
    skirt_side: Outline = (
        (0.5, waist - 0.005), (0.61, waist - 0.005), (0.61, waist), (0.5 + 0.75 * width, 0.68),
        (0.5 + width, hem - 0.03), (0.5 + width, hem - 0.03), (0.5 + 0.4 * width, hem),
    )  # fmt: skip
    back = symmetric(sharp((0.5, 0.10), (0.59, 0.08), (0.57, neck + 0.02)))
    folds = _folds(waist + 0.03, hem - 0.02, 0.10, width, rng)
    belt = Seam(((0.39, waist), (0.61, waist)), width=rng.uniform(0.006, 0.022), strength=0.45)
    parts = (
        ProductPart(back, shade=INSIDE),
        ProductPart(symmetric(skirt_side)),
        ProductPart(symmetric(bodice)),
    )
    return Product(parts, (*folds, belt))


def skirt(rng: np.random.Generator) -> Product:
    """Cut a flared or straight skirt with a waistband and folds."""
    width, hem = rng.uniform(0.25, 0.40), rng.uniform(0.74, 0.92)
    side: Outline = (
        (0.5, 0.15), *sharp((0.655, 0.15)), (0.5 + 0.7 * width + 0.04, 0.45),
        *sharp((0.5 + width, hem - 0.04)), (0.5 + 0.4 * width, hem),
    )  # fmt: skip
    band = ProductPart(symmetric(sharp((0.655, 0.11), (0.662, 0.175))), turn=90.0, shade=0.95)
    seam = Seam(((0.338, 0.175), (0.662, 0.175)), strength=0.4)
    return Product(
        (ProductPart(symmetric(side)), band), (*_folds(0.20, hem - 0.02, 0.14, width, rng), seam)
    )


def trousers(rng: np.random.Generator) -> Product:
    """Cut trousers: two long legs and a waistband."""
    return _legs(hem=rng.uniform(0.91, 0.96), flare=rng.uniform(0.10, 0.17), rng=rng)


def shorts(rng: np.random.Generator) -> Product:
    """Cut shorts: two short legs and a waistband."""
    return _legs(hem=rng.uniform(0.56, 0.70), flare=rng.uniform(0.20, 0.25), rng=rng)


def _top(
    *, waist: float, hem: float, cuff: tuple[float, float], cuff_width: float, neck: float
) -> Product:
    """Cut a body and two sleeves; the cuff's position is its outer middle."""
    body: Outline = (
        (0.5, neck), (0.545, neck - 0.015), *sharp((0.59, 0.135)), *sharp((0.72, 0.175)), (0.69, 0.36),
        (0.5 + waist * 0.64, 0.55), *sharp((0.5 + waist * 0.68, hem)), (0.5, hem + 0.012),
    )  # fmt: skip
    x, y = cuff
    sleeve: Outline = (
        *sharp((0.70, 0.168)), (0.755, 0.205), *sharp((x + cuff_width * 0.45, y), (x - cuff_width * 0.5, y + 0.04)),
        (0.705, 0.40), *sharp((0.665, 0.33)),
    )  # fmt: skip
    lean = float(np.degrees(np.arctan2(x - 0.71, y - 0.17)))
    back = symmetric(((0.5, 0.125), *sharp((0.59, 0.135)), (0.56, neck), (0.5, neck + 0.02)))
    parts = (
        ProductPart(sleeve, turn=lean, shade=0.93),
        ProductPart(mirrored(sleeve), turn=-lean, shade=0.93),
        ProductPart(back, shade=INSIDE),
        ProductPart(symmetric(body)),
    )
    armhole = rounded(((0.72, 0.175), (0.685, 0.25), (0.685, 0.36)), closed=False)
    ribbing = rounded(
        ((0.594, 0.15), (0.55, neck + 0.01), (0.45, neck + 0.01), (0.406, 0.15)), closed=False
    )
    low = hem - 0.02
    edge = ((0.5 - waist * 0.67, low), (0.5, low + 0.011), (0.5 + waist * 0.67, low))
    seams = (
        Seam(armhole),
        Seam(mirrored(armhole)),
        Seam(ribbing),
        Seam(edge, width=0.003, strength=0.22),
    )
    return Product(parts, seams)


def _legs(*, hem: float, flare: float, rng: np.random.Generator) -> Product:
    """Cut one leg and its mirror image, joined at the crotch, under a waistband."""
    rise = rng.uniform(0.34, 0.38)
    leg: Outline = (
        *sharp((0.495, 0.13), (0.645, 0.13)), (0.70, 0.30), *sharp((0.55 + flare * 0.95, hem)),
        *sharp((0.55, hem)), *sharp((0.5, rise)),
    )  # fmt: skip
    band = ProductPart(box(0.352, 0.095, 0.648, 0.15), turn=90.0, shade=0.95)
    fly = rounded(((0.505, 0.15), (0.535, 0.20), (0.53, 0.27), (0.5, 0.30)), closed=False)
    pocket = ((0.60, 0.15), (0.665, 0.235))
    seams = (
        Seam(((0.5, 0.15), (0.5, rise)), strength=0.5),
        Seam(fly, width=0.003),
        Seam(pocket, strength=0.4),
        Seam(mirrored(pocket), strength=0.4),
        Seam(((0.352, 0.15), (0.648, 0.15)), strength=0.4),
    )
    parts = (ProductPart(leg, turn=-3.0), ProductPart(mirrored(leg), turn=3.0, shade=0.97), band)
    return Product(parts, seams)


def _folds(
    top: float, bottom: float, above: float, below: float, rng: np.random.Generator
) -> tuple[Seam, ...]:
    """Return folds that fan out from the waist, as soft lines of shadow."""
    folds = []
    for place in np.linspace(-0.75, 0.75, int(rng.integers(4, 8))).tolist():
        start, end = 0.5 + place * above, 0.5 + place * below
        folds.append(Seam(((start, top), (end, bottom)), width=0.016, strength=0.13))
    return tuple(folds)
