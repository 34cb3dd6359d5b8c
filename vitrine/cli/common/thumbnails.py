"""Pictures for an HTML page: web pictures by their URL, files as thumbnails embedded in the page."""

from __future__ import annotations

import base64
import io
from functools import cache

from vitrine.core.errors import BadInput
from vitrine.core.schemes import is_web_address
from vitrine.core.settings import Settings
from vitrine.core.types import ItemFailure
from vitrine.evaluation.embedding import picture_query
from vitrine.evaluation.page import PictureUrl
from vitrine.evaluation.sample import LabelledPicture

SIDE = 320
"""Pixels of a thumbnail's longer side: twice the largest size on the page, for high-density screens."""
_JPEG_QUALITY = 80


def picture_source(settings: Settings) -> PictureUrl:
    """Return a function from a picture to its source on a page; raises `BadInput` if no decoder is installed."""
    try:
        from workers.images.pillow_decode import decode_by_pillow
    except ModuleNotFoundError as error:
        raise BadInput(
            f"A page with pictures needs {error.name}, which is not installed.",
            hint="Install vitrine[worker], or leave --page out.",
        ) from error

    @cache  # the same neighbour appears next to many pictures
    def source(picture: LabelledPicture) -> str | None:
        if is_web_address(picture.source):
            return picture.source
        try:
            data = picture_query(picture, settings.fetch_max_bytes).data
            thumbnail = decode_by_pillow(data, max_pixels=settings.max_pixels)
        except (BadInput, ItemFailure):
            return None
        thumbnail.thumbnail((SIDE, SIDE))
        written = io.BytesIO()
        thumbnail.save(written, "JPEG", quality=_JPEG_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode("ascii")

    return source
