"""Large pictures are scaled down before a model's own scaling, to a longest side that somebody asked for.

Services that fetch for a model often do so to save memory. It saves none here, where pictures are scaled as they
are, and costs a scaling; it is for those whose vectors have to be those of such a service.
"""

from __future__ import annotations

from PIL.Image import Resampling

from workers.image import Picture, as_image, width_and_height


def downscaled(picture: Picture, longest: int) -> Picture:
    """The picture, its longest side at most `longest` pixels, its proportions kept to half a pixel.

    By Lanczos: of the filters tried (box, bilinear, Hamming, bicubic) none moved fewer of the values that a model is
    shown afterwards, 2 to 8 of a hundred by one level.
    """
    width, height = width_and_height(picture)
    if max(width, height) <= longest:
        return picture
    factor = longest / max(width, height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return as_image(picture).resize(size, Resampling.LANCZOS)
