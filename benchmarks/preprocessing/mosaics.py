"""Pictures of a given size: photographs tiled at their own resolution, so that they have as much detail.

Upscaled small photographs would be smooth, and smooth pictures decode fast.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count

from PIL import Image

from benchmarks.parts.pictures import drawn, photographs

FORMATS: dict[str, dict[str, object]] = {
    "jpeg": {"quality": 88},
    "png": {"compress_level": 4},
    "webp": {"quality": 85, "method": 2},
}
_PROPORTION = 4 / 3
_TILE = 400


def encoded(megapixels: float, kind: str, number: int) -> bytes:
    """Return the `number`-th picture of this many megapixels in one of `FORMATS`, the same in every run."""
    height = round((megapixels * 1e6 / _PROPORTION) ** 0.5)
    file = io.BytesIO()
    mosaic(round(height * _PROPORTION), height, number).save(file, kind.upper(), **FORMATS[kind])
    return file.getvalue()


def mosaic(width: int, height: int, number: int) -> Image.Image:
    """Return a mosaic of 400 x 400 pixel tiles, filled from the top left."""
    picture = Image.new("RGB", (width, height))
    tiles = _tiles(number)
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            picture.paste(next(tiles), (left, top))
    return picture


def _tiles(number: int) -> Iterator[Image.Image]:
    """Yield photographs that fill a tile, starting at a different one per number, or drawings if there are none."""
    paths = photographs()
    for place in count(7 * number):
        if not paths:
            yield drawn(place % 8)
            continue
        with Image.open(paths[place % len(paths)]) as image:
            if min(image.size) >= _TILE:
                yield image.convert("RGB").crop((0, 0, _TILE, _TILE))
