"""The parts of a product: outlines in the unit square (x to the right, y down) and their fillings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from vitrine.demo.palette import Rgb

Point: TypeAlias = tuple[float, float]
Outline: TypeAlias = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class ProductPart:
    """One piece: placed over the earlier ones, filled with the product's cloth or with a plain colour."""

    outline: Outline
    turn: float = 0.0  #: Rotation of the cloth in this piece, in degrees.
    shade: float = 1.0  #: Brightness; below 1 looks further back.
    fill: Rgb | None = None  #: None: the product's cloth.


@dataclass(frozen=True, slots=True)
class Seam:
    """A line of shadow: a seam, a fold, an edge."""

    points: Outline
    width: float = 0.005
    strength: float = 0.35  #: Share of the light that it absorbs.


@dataclass(frozen=True, slots=True)
class Product:
    """A garment or a bag, back to front."""

    parts: tuple[ProductPart, ...]
    seams: tuple[Seam, ...] = ()


def mirrored(points: Outline) -> Outline:
    """Mirror points at the vertical axis, in reverse order."""
    return tuple((1.0 - x, y) for x, y in reversed(points))


def symmetric(right: Outline) -> Outline:
    """Return a closed outline from its right half, given from top to bottom."""
    return right + mirrored(right)


def rounded(points: Outline, *, closed: bool = True, passes: int = 3) -> Outline:
    """Round corners by corner cutting (Chaikin 1974: each edge keeps its middle half).

    A corner given twice stays sharper.
    """
    for _ in range(passes):
        following = points[1:] + points[:1] if closed else points[1:]
        cut: list[Point] = [] if closed else [points[0]]
        for (ax, ay), (bx, by) in zip(points, following, strict=False):
            cut.append((0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by))
            cut.append((0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by))
        if not closed:
            cut.append(points[-1])
        points = tuple(cut)
    return points


def sharp(*points: Point) -> Outline:
    """Repeat each point, so that `rounded` keeps its corner almost sharp."""
    return tuple(point for point in points for _ in range(2))


def box(left: float, top: float, right: float, bottom: float) -> Outline:
    """Return a rectangle with sharp corners."""
    return sharp((left, top), (right, top), (right, bottom), (left, bottom))


def disc(x: float, y: float, radius: float) -> Outline:
    """Return a small circle, as an octagon that `rounded` makes round."""
    near = radius * 0.414
    ring = ((-near, -radius), (near, -radius), (radius, -near), (radius, near))
    return tuple((x + dx, y + dy) for dx, dy in ring) + tuple((x - dx, y - dy) for dx, dy in ring)


def band(points: Outline, width: float) -> Outline:
    """Return a strap of the given width along a line, offset at right angles to the line at each point."""
    left: list[Point] = []
    right: list[Point] = []
    last = len(points) - 1
    for number, (x, y) in enumerate(points):
        (ax, ay), (bx, by) = points[max(0, number - 1)], points[min(last, number + 1)]
        length = max(1e-9, ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5)
        nx, ny = (ay - by) / length * width / 2, (bx - ax) / length * width / 2
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return tuple(left) + tuple(reversed(right))
