"""Very long pictures are cut to their middle before a processor that scales by the shortest edge.

Such a processor would enlarge a picture of 1 x 9,001 to 256 x 2,304,256 pixels (1.8 GB) only to crop
224 x 224 out of its middle.
"""

from __future__ import annotations

from typing import Any

from PIL.Image import Image

MAX_ASPECT = 16
"""Longest edge over shortest beyond which a picture is cut; the crop afterwards sees far less than that."""


def scales_by_shortest_edge(processor: Any) -> bool:
    """Whether an image processor keeps the proportions and lets the longest edge grow without bound."""
    size = getattr(processor, "size", None)
    if not getattr(processor, "do_resize", False) or size is None:
        return False
    bounded = getattr(size, "longest_edge", None)
    return bool(getattr(size, "shortest_edge", None)) and not bounded


def cut_to_middle(image: Image) -> Image:
    """Cut the longest edge to `MAX_ASPECT` times the shortest, around the same centre."""
    short, long = sorted(image.size)
    if long <= short * MAX_ASPECT:
        return image
    # The same parity as before, or the centre would move by half a pixel.
    kept = short * MAX_ASPECT + (long - short * MAX_ASPECT) % 2
    start = (long - kept) // 2
    if image.width == long:
        return image.crop((start, 0, start + kept, image.height))
    return image.crop((0, start, image.width, start + kept))
