"""The reference decoder: bytes become one upright RGB picture under one declared image policy, or a named failure.

The policy, `IMAGE_POLICY`: the first frame of a JPEG, PNG, WebP, GIF, AVIF or BMP; turned as its
orientation tag says; any mode becomes RGB (`workers.images.color_management`); transparency composited on white; at full resolution. The
version is stored with every vector, for a change of it changes vectors.
"""

from __future__ import annotations

import io
import re
import warnings

from PIL import AvifImagePlugin, ExifTags, Image, UnidentifiedImageError

from vitrine.core.types import FailureReason, ItemFailure
from workers.images import sniff
from workers.images.color_management import to_rgb

IMAGE_POLICY = "rgb-1"
"""Version of what `decode_by_pillow` does to a picture; raised with any change that moves pixels."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation (CIPA DC-008, tag 0x0112); 1 and others: nothing."""

DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    EOFError,
    RuntimeError,  # AVIF only
    Image.DecompressionBombError,
)
"""All that Pillow raised over 200,000 damaged files; `UnidentifiedImageError` is an `OSError`."""


def prepare_pillow() -> None:
    """Set the process's Pillow up for decoding in threads; for composition roots, before any `decode_by_pillow`.

    `decode_by_pillow` works without it, only less quietly: the plugins are registered here rather than by the
    first threads at once; one picture takes one thread; Pillow's own warnings about size and metadata
    stay silent, because every size is checked and every broken tag is ignored.
    """
    Image.init()
    Image.MAX_IMAGE_PIXELS = None
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    warnings.filterwarnings("ignore", module=r"PIL\.")


def decode_by_pillow(data: bytes, *, max_pixels: int) -> Image.Image:
    """Decode one picture to upright RGB; thread-safe.

    Width times height is checked against `max_pixels` before the pixels are decoded. Raises
    `ItemFailure` with NOT_AN_IMAGE, TRUNCATED, CORRUPT, TOO_MANY_PIXELS or OUT_OF_MEMORY.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=sniff.ACCEPTED_FORMATS)
        check_size(image.size, max_pixels)
        image.load()
        orientation = orientation_of(image)
        return _upright(to_rgb(image), orientation)
    except DECODER_ERRORS as error:
        raise _failure(error, data, max_pixels) from error


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Raise `ItemFailure` with TOO_MANY_PIXELS for a width and height beyond the limit."""
    width, height = size
    if width * height > max_pixels:
        detail = f"{width} x {height} pixels, more than the limit of {max_pixels}"
        raise ItemFailure(FailureReason.TOO_MANY_PIXELS, detail)


def orientation_of(image: Image.Image) -> int:
    """A picture's orientation (1 to 8, or what else is written there) from EXIF or XMP; 1 where neither can be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001  - metadata is parsed by hand there and may never cost a picture
        return 1
    return value if isinstance(value, int) else 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _failure(error: Exception, data: bytes, max_pixels: int) -> ItemFailure:
    """Name what Pillow's error means for these bytes."""
    if isinstance(error, MemoryError):
        return ItemFailure(
            FailureReason.OUT_OF_MEMORY, "decoding it took more memory than there is"
        )
    if isinstance(error, Image.DecompressionBombError):
        detail = f"more pixels than the limit of {max_pixels}"
        return ItemFailure(FailureReason.TOO_MANY_PIXELS, detail)
    kind = sniff.accepted_format(data)
    if kind is None:
        return ItemFailure(FailureReason.NOT_AN_IMAGE, sniff.looks_like(data))
    return _broken(error, data, kind, max_pixels)


def _broken(error: Exception, data: bytes, kind: str, max_pixels: int) -> ItemFailure:
    width, height = sniff.avif_size(data) or (0, 0)
    if width * height > max_pixels:
        detail = f"{width} x {height} pixels, more than the limit of {max_pixels}"
        return ItemFailure(FailureReason.TOO_MANY_PIXELS, detail)
    if "truncated" in str(error).lower() or sniff.ends_early(data):
        return ItemFailure(
            FailureReason.TRUNCATED, f"the {kind} ends after {len(data)} bytes, too early"
        )
    return ItemFailure(FailureReason.CORRUPT, f"the {kind} decoder gave up: {_reason(error)}")


def _reason(error: Exception) -> str:
    """A decoder's message without byte strings and object addresses, at most 100 characters."""
    if isinstance(error, UnidentifiedImageError):
        return "its header makes no sense"
    text = re.sub(r"b'[^']*'|b\"[^\"]*\"|<[^>]*>", "…", str(error))
    return text[:100] or type(error).__name__
