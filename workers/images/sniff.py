"""Guesses the format of bytes, for the message that says why they are not a usable picture.

Pillow decides what is decoded; this only describes what Pillow refused. Nothing here parses more than a few
fixed offsets, and no result contains any byte of the input.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

ACCEPTED_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP")
"""The accepted formats. TIFF is not one of them: its library floods stderr, and TIFFs are not web pictures."""

_OTHER_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"II*\x00", "a TIFF file"),
    (b"MM\x00*", "a TIFF file"),
    (b"II+\x00", "a TIFF file"),
    (b"MM\x00+", "a TIFF file"),
    (b"%PDF-", "a PDF"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
)
_MARKUP_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<head", "HTML"),
    (b"<body", "HTML"),
    (b"<?xml", "XML"),
    (b"<", "HTML or XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)
_ACCEPTED_LIST = "JPEG, PNG, WebP, GIF, AVIF and BMP"
_HEAD_BYTES = 512


def accepted_format(data: bytes) -> str | None:
    """Return which of `ACCEPTED_FORMATS` the first bytes indicate; None if none."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return "AVIF" if any(brand in data[8:64] for brand in (b"avif", b"avis")) else None
    for signature, name in (
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF8", "GIF"),
        (b"BM", "BMP"),
    ):
        if data.startswith(signature):
            return name
    return None


def looks_like(data: bytes) -> str:
    """Describe in one phrase what unaccepted bytes seem to be, and which formats are accepted."""
    if not data:
        return "the response is empty"
    guess = _guess(data)
    said = f"looks like {guess}" if guess else "not a known picture format"
    return f"{said}; accepted are {_ACCEPTED_LIST}"


def _guess(data: bytes) -> str | None:
    if data[4:8] == b"ftyp":
        return "HEIF, HEIC or a video"
    for signature, name in _OTHER_SIGNATURES:
        if data.startswith(signature):
            return name
    text = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text:
        return "an SVG drawing"
    return next(
        (name for signature, name in _MARKUP_SIGNATURES if text.startswith(signature)), None
    )


def ends_early(data: bytes) -> bool:
    """Return whether a picture of an accepted format is cut off, by its end marker or declared length."""
    complete = _COMPLETE.get(accepted_format(data) or "")
    return complete is not None and not complete(data)


def avif_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that an AVIF file declares (ISO/IEC 23008-12, box `ispe`); None if it does not.

    Pillow's decoder has its own limit (16,384 squared) and does not say when that was the reason.
    """
    at = data.find(b"ispe", 0, 4096) if accepted_format(data) == "AVIF" else -1
    if at < 0 or len(data) < at + 16:
        return None
    return _u32(data, at + 8, ">"), _u32(data, at + 12, ">")


def _boxes_end(data: bytes) -> int:
    """Return where the last top-level box ends (ISO/IEC 14496-12), by the declared lengths."""
    at = 0
    while at + 8 <= len(data):
        length = _u32(data, at, ">")
        if (
            length < 8
        ):  # 0 means "to the end of the file"; 1 a 64-bit length, never used by pictures
            return len(data)
        at += length
    return at


def _u32(data: bytes, at: int, order: str) -> int:
    field = data[at : at + 4]
    return int(struct.unpack(f"{order}I", field)[0]) if len(field) == 4 else 0xFFFFFFFF


_COMPLETE: dict[str, Callable[[bytes], bool]] = {
    "JPEG": lambda data: b"\xff\xd9" in data,
    "PNG": lambda data: b"IEND" in data,
    "GIF": lambda data: data.rstrip(b"\x00").endswith(b";"),
    "WEBP": lambda data: _u32(data, 4, "<") + 8 <= len(data),
    "BMP": lambda data: _u32(data, 2, "<") <= len(data),
    "AVIF": lambda data: _boxes_end(data) <= len(data),
}
"""Checks whether a file is complete, by format."""
