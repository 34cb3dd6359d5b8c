"""Decoders of packed streams with one interface, that of `bz2.BZ2Decompressor`: they give a limited number of bytes per call."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from vitrine.core.errors import VitrineError

MAX_WINDOW_BYTES = 128 * 1024 * 1024
"""Memory that a file may ask of its decoder: what `zstd -d` takes by default, and twice the window of `xz -9`."""
_XZ_BYTES = MAX_WINDOW_BYTES + 1024 * 1024
"""The window of an `.xz` file, and what the decoder needs besides."""
_ZSTD_FEED = 256
"""Bytes given to the zstd decoder at a time, since its output is not limited: 64 blocks of 128 KiB at most."""


class PackedDataError(OSError):
    """Raised if packed bytes cannot be decompressed any further."""


class Decoder(Protocol):
    """One compressed stream: a member of the file, which another one may follow."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether no further output comes without more bytes."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes; raise `PackedDataError` for bytes that cannot be decompressed."""


NewDecoder = Callable[[], Decoder]


class _Guarded:
    """A decoder of the standard library whose own error becomes a `PackedDataError`."""

    def __init__(self, decoder: Decoder, *errors: type[Exception]) -> None:
        self._decoder = decoder
        self._errors = errors

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return self._decoder.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return self._decoder.decompress(data, max_length)
        except self._errors as error:
            raise PackedDataError(_why(error)) from error


def bzip2() -> Decoder:
    """Return a decoder of bzip2, which takes 4 MB."""
    return _Guarded(bz2.BZ2Decompressor(), OSError, ValueError)


def xz() -> Decoder:
    """Return a decoder of xz, which takes no more memory than `MAX_WINDOW_BYTES`."""
    return _Guarded(lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_BYTES), lzma.LZMAError)


class _Zstd:
    """One frame of zstd. The library's reader does not report a frame that breaks off; its decompression object does."""

    def __init__(self, library: Any) -> None:
        self._library = library
        made = library.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        self._frame = made.decompressobj()
        self._packed = b""
        self._ready = memoryview(b"")

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof) and not self._ready

    @property
    def needs_input(self) -> bool:
        return not self._ready and not self._packed

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data) + self._packed

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._packed += data
        while not self._ready and self._packed and not self._frame.eof:
            fed, self._packed = self._packed[:_ZSTD_FEED], self._packed[_ZSTD_FEED:]
            try:
                self._ready = memoryview(self._frame.decompress(fed))
            except self._library.ZstdError as error:
                raise PackedDataError(_why(error)) from error
        out, self._ready = self._ready[:max_length], self._ready[max_length:]
        return bytes(out)


def zstd() -> Decoder:
    """Return a decoder of one zstd frame with a window of at most `MAX_WINDOW_BYTES`; raise `VitrineError` without its library."""
    try:
        import zstandard  # noqa: PLC0415 - no other format needs it
    except ModuleNotFoundError as error:
        raise VitrineError(
            ".zst files need zstandard, which is not installed.",
            hint="Install vitrine with its extra `producer`.",
        ) from error
    return _Zstd(zstandard)


class _Inflate:
    """A deflate stream."""

    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib.decompressobj(window_bits)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._decoder.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            out = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        except zlib.error as error:
            raise PackedDataError(_why(error)) from error
        self._full = len(out) == max_length
        return out


def gzip() -> Decoder:
    """Return a decoder of one member of a gzip file, which checks its checksum."""
    return _Inflate(16 + zlib.MAX_WBITS)


def deflate() -> Decoder:
    """Return a decoder of a raw deflate stream, as a zip archive holds it."""
    return _Inflate(-zlib.MAX_WBITS)


class Stored:
    """Bytes that an archive holds as they are, of a known length."""

    def __init__(self, size: int) -> None:
        self._missing = size
        self._ready = b""
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return self._missing == 0 and not self._ready

    @property
    def needs_input(self) -> bool:
        return not self._ready

    def decompress(self, data: bytes, max_length: int) -> bytes:
        taken = data[: self._missing]
        self._missing -= len(taken)
        self.unused_data += data[len(taken) :]
        held = self._ready + taken
        out, self._ready = held[:max_length], held[max_length:]
        return out


def _why(error: Exception) -> str:
    """Return the library's message in words that say what to do about it."""
    message = str(error)
    lowered = message.lower()
    if "memory usage limit" in lowered or "too much memory" in lowered:
        return (
            f"its decoder would take more than {MAX_WINDOW_BYTES // 2**20} MiB of memory; "
            "pack it with a smaller window (xz -9 or zstd -19 at most, without --long)"
        )
    if "dictionary mismatch" in lowered:
        return "it was packed with a dictionary; pack it without one"
    return message
