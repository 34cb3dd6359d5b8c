"""The reference decoder: decodes bytes to one upright RGB picture under the image policy, or fails with a named reason.

The policy, `IMAGE_POLICY`: the first frame of a JPEG, PNG, WebP, GIF, AVIF or BMP, rotated by its orientation tag,
converted to RGB from any mode (`workers.images.color_management`), with transparency composited on white, at full
resolution. Its version is stored with every vector, because a change of the policy changes vectors.
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
"""Version of the processing in `decode_by_pillow`; increase it with any change that alters pixels."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that makes a picture upright, by EXIF orientation (CIPA DC-008, tag 0x0112); none for 1 and others."""

DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    EOFError,
    RuntimeError,  # AVIF only
    Image.DecompressionBombError,
)
"""Everything that Pillow raised on 200,000 damaged files; `UnidentifiedImageError` is an `OSError`."""


def prepare_pillow() -> None:
    """Set up Pillow for decoding in threads; composition roots call it before any `decode_by_pillow`.

    `decode_by_pillow` also works without it. With it, the plugins are registered here and not by the first
    threads at the same time, one picture takes one thread, and Pillow's warnings about size and metadata are
    silenced, because every size is checked and every broken tag is ignored.
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
    """Raise `ItemFailure` with TOO_MANY_PIXELS if width times height exceeds the limit."""
    width, height = size
    if width * height > max_pixels:
        detail = f"{width} x {height} pixels, more than the limit of {max_pixels}"
        raise ItemFailure(FailureReason.TOO_MANY_PIXELS, detail)


def orientation_of(image: Image.Image) -> int:
    """Return the orientation from EXIF or XMP (1 to 8, or any other stored number); 1 if neither can be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001  - Pillow parses metadata itself, and a fault in it must not fail the picture
        return 1
    return value if isinstance(value, int) else 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _failure(error: Exception, data: bytes, max_pixels: int) -> ItemFailure:
    """Translate Pillow's error for these bytes into a failure."""
    if isinstance(error, MemoryError):
        return ItemFailure(
            FailureReason.OUT_OF_MEMORY, "decoding it needed more memory than is available"
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
    """Return a decoder's message without byte strings and object addresses, at most 100 characters."""
    if isinstance(error, UnidentifiedImageError):
        return "its header is invalid"
    text = re.sub(r"b'[^']*'|b\"[^\"]*\"|<[^>]*>", "…", str(error))
    return text[:100] or type(error).__name__
