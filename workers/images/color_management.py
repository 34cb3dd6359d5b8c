"""Converts a decoded picture of any mode to 8-bit RGB, with transparency composited on white.

16-bit grey is scaled rather than clipped. CMYK is converted by its embedded ICC profile. The profile of an RGB or grey
picture is ignored, as in the models' own training and processors, so that models see what they were trained on. (Of 394
real catalog pictures 9 are Adobe RGB; converting those to sRGB changed their embeddings to a cosine of 0.954 to 0.995
with the reference.)
"""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

WHITE = (255, 255, 255)
MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""A larger ICC profile is ignored; print profiles have 0.5 to 2 MB."""
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded picture to mode RGB without metadata; may consume `image` instead of copying it."""
    picture, alpha = _split_alpha(_eight_bit(image))
    picture = _apply_profile(picture, image.info.get("icc_profile"))
    if alpha is not None:
        canvas = Image.new("RGB", picture.size, WHITE)
        canvas.paste(picture, mask=alpha)
        picture = canvas
    # Orientation and profile have been applied; if they stayed, a later reader would apply them again.
    picture.info = {}
    return picture


def _eight_bit(image: Image.Image) -> Image.Image:
    """Convert 16-bit grey to 8 bits by taking the high byte, as Pillow does for 16-bit colour."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    grey = Image.fromarray(np.clip(values >> 8, 0, 255).astype(np.uint8))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the picture in mode L, RGB or CMYK, and its alpha channel or None."""
    if image.has_transparency_data:
        # Converted via RGBA, a palette's transparent entries keep their colours and cause no warning.
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        return rgba.convert("L" if image.mode in {"L", "LA"} else "RGB"), rgba.getchannel("A")
    if image.mode == "1":
        return image.convert("L"), None
    return (image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")), None


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    if (
        image.mode == "CMYK"
        and isinstance(profile, bytes)
        and 0 < len(profile) <= MAX_PROFILE_BYTES
    ):
        transform = _from_cmyk(profile)
        if transform is not None:
            return transform.apply(image)
    # Do not call `convert` on an RGB picture: it would copy, and 50 million pixels take 200 MB.
    return image if image.mode == "RGB" else image.convert("RGB")


@functools.lru_cache(maxsize=16)
def _from_cmyk(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a CMYK profile to sRGB; None if the profile is broken or of another colour space."""
    try:
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            "CMYK",
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
            # lcms caches the last pixel in the transform, and threads would share that cache.
            ImageCms.Flags.NOCACHE,
        )
    except _PROFILE_ERRORS:
        return None
