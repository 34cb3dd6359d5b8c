"""A decoded picture of any mode becomes 8-bit RGB in sRGB, transparency composited on white.

16-bit grey is scaled rather than clipped; an embedded ICC profile is applied unless what it does to a
grid of colours is nothing to speak of, so that plain sRGB pictures keep their exact pixels.
"""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

WHITE = (255, 255, 255)
MAX_PROFILE_BYTES = 4 * 1024 * 1024
"""A larger ICC profile is ignored; press profiles have 0.5 to 2 MB."""
SRGB_TOLERANCE = 2
"""Levels of 255 by which a profile may differ from sRGB and still be taken as sRGB: rounding, not colour."""
_GRID_STEPS = 17

_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert a loaded picture to mode RGB without metadata; may consume `image` instead of copying it."""
    picture, alpha = _split_alpha(_eight_bit(image))
    picture = _apply_profile(picture, image.info.get("icc_profile"))
    if alpha is not None:
        canvas = Image.new("RGB", picture.size, WHITE)
        canvas.paste(picture, mask=alpha)
        picture = canvas
    # Orientation and profile are done with: left in place they would be applied twice by a reader.
    picture.info = {}
    return picture


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring 16-bit grey to 8 bits by its high byte, as Pillow does for 16-bit colour."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    grey = Image.fromarray(np.clip(values >> 8, 0, 255).astype(np.uint8))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """A picture in mode L, RGB or CMYK, and its alpha channel where its kind has one."""
    if image.has_transparency_data:
        # By way of RGBA a palette's transparent entries keep their colours and raise no warning.
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        return rgba.convert("L" if image.mode in {"L", "LA"} else "RGB"), rgba.getchannel("A")
    if image.mode == "1":
        return image.convert("L"), None
    return (image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")), None


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes) and 0 < len(profile) <= MAX_PROFILE_BYTES:
        plan = _transform(profile)
        if plan is not None:
            mode, transform = plan
            if mode == image.mode or (mode == "RGB" and image.mode == "L"):
                return transform.apply(image.convert(mode))
    # Not `convert` for what is RGB already: it would copy, and 50 million pixels are 200 MB.
    return image if image.mode == "RGB" else image.convert("RGB")


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """The transform to sRGB and the mode it takes; None for a broken profile and for sRGB itself."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODE_OF_SPACE[source.profile.xcolor_space.strip()]
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.PERCEPTUAL,
            # lcms keeps the last pixel in a cache of the transform, which threads would share.
            ImageCms.Flags.NOCACHE,
        )
    except (*_PROFILE_ERRORS, KeyError):
        return None
    return None if mode == "RGB" and _is_identity(transform) else (mode, transform)


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform moves no colour of a 17 x 17 x 17 grid by more than `SRGB_TOLERANCE`."""
    steps = np.linspace(0, 255, _GRID_STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    before = grid.reshape(_GRID_STEPS, -1, 3)
    after = transform.apply(Image.fromarray(before))
    moved = np.asarray(after, dtype=np.int16) - before
    return bool(np.abs(moved).max() <= SRGB_TOLERANCE)
