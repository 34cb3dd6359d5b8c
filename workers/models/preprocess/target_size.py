"""The width and height to which an image processor scales a picture, by the rules that are known here."""

from __future__ import annotations

from typing import Any

from transformers.models.siglip2.image_processing_pil_siglip2 import (
    get_image_size_for_max_num_patches,
)

from workers.models.preprocess.aspect_crop import scales_by_shortest_edge


def target_size(processor: Any, width: int, height: int) -> tuple[int, int]:
    """The width and height to which a processor scales a picture; `ValueError` for a rule unknown here."""
    if not processor.do_resize:
        raise ValueError("this processor does not scale")
    patches = getattr(processor, "max_num_patches", None)
    if patches is not None:
        rows, columns = get_image_size_for_max_num_patches(
            height, width, processor.patch_size, patches
        )
        return columns, rows
    size = processor.size
    if size.height and size.width:
        return size.width, size.height
    if not scales_by_shortest_edge(processor):
        raise ValueError("this processor scales by another rule")
    short, long = sorted((width, height))
    longer = int(size.shortest_edge * long / short)
    return (size.shortest_edge, longer) if width <= height else (longer, size.shortest_edge)
