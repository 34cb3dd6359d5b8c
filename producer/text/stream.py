"""A text stream over a file's bytes: its encoding is given, marked or detected."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, cast

from producer.packed.streams import READ_ERRORS, Chained
from producer.text.detection import LOOKED_AT_BYTES, detect_encoding
from producer.text.encodings import UTF_8, decoder_skips_mark, mark_of, title_of

_STRICT = ("utf-16", "utf-32")
"""Encodings whose decoders cannot pass on a single byte that is wrong: the file ends there."""
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class OpenedText:
    """The text of a file, its encoding, and what is to be reported about it."""

    text: io.TextIOWrapper
    encoding: str
    notes: tuple[str, ...] = ()


def open_text(stream: IO[bytes], head: bytes, given: str | None) -> OpenedText:
    """Return the text of a stream that begins with `head`; `given` is an encoding's canonical name."""
    marked = mark_of(head)
    notes: Sequence[str] = ()
    if given is not None:
        encoding = given.removesuffix("-sig")
        if marked is not None and _same_family(encoding, marked[0]):
            _skip(stream, encoding, marked[1])
        elif marked is not None:
            notes = (f"it has the mark of {title_of(marked[0])} but was read as {title_of(encoding)} (encoding {encoding}), as named",)  # fmt: skip
    elif marked is not None:
        encoding, mark = marked
        _skip(stream, encoding, mark)
    else:
        stream, found = _detected(stream)
        encoding = found or UTF_8
        if found is not None:
            notes = (f"the text is not UTF-8; it was read as {title_of(found)} (encoding {found}, detected)",)  # fmt: skip
    errors = "strict" if encoding.startswith(_STRICT) else "surrogateescape"
    text = io.TextIOWrapper(stream, encoding, errors, newline="")
    return OpenedText(text, encoding, tuple(notes))


def _same_family(encoding: str, marked: str) -> bool:
    """Whether a mark belongs to an encoding: that of UTF-16 to `utf-16-le` as well."""
    return encoding.startswith(marked)


def _skip(stream: IO[bytes], encoding: str, mark: bytes) -> None:
    if not decoder_skips_mark(encoding):
        stream.read(len(mark))


def _detected(stream: IO[bytes]) -> tuple[IO[bytes], str | None]:
    """Return a stream that still has all bytes, and the encoding of its start, None for UTF-8."""
    parts: list[bytes] = []
    missing = LOOKED_AT_BYTES
    error: Exception | None = None
    buffered = cast("io.BufferedReader", stream)
    try:
        # One read of the stream below at a time: an error would take what was read before it in the same call.
        while missing > 0 and (part := buffered.read1(min(missing, _CHUNK_BYTES))):
            parts.append(part)
            missing -= len(part)
    except READ_ERRORS as broken:
        error = broken
    start = b"".join(parts)
    rest = cast("IO[bytes]", io.BufferedReader(Chained(start, stream, error), 256 * 1024))
    return rest, detect_encoding(start)
