"""Packed catalogs: one table of how files are packed, what each is recognised by, and how it is opened.

A new packing is a row of `PACKINGS` and one in tests/unit/producer/packed. Formats, commands, HTTP and the page take
suffixes and names from here.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from producer.packed.decoders import bzip2, gzip, xz, zstd
from producer.packed.streams import Decompressing


@dataclass(frozen=True, slots=True)
class Packing:
    """One way in which a file is packed."""

    title: str  #: Its name in a sentence, as in "it begins like gzip".
    suffix: str
    magic: tuple[bytes, ...]  #: The first bytes of every such file: one of these.
    unpack: Callable[[IO[bytes]], io.RawIOBase] | None
    """Turns the packed bytes into a stream of plain ones; None for an archive, which `producer.packed.archive` opens."""


_ZSTD_MAGIC = (
    b"\x28\xb5\x2f\xfd",
    *(bytes((0x50 + number,)) + b"\x2a\x4d\x18" for number in range(16)),
)
"""A frame, or a skippable one, with which `pzstd` begins."""
_BZIP2_MAGIC = tuple(
    b"BZh%d%b" % (level, block) for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")
)
"""With the mark of a block or of an empty file: three letters alone could begin a text."""
ZIP = Packing("zip", ".zip", (b"PK\x03\x04", b"PK\x05\x06"), None)
PACKINGS = (
    Packing("gzip", ".gz", (b"\x1f\x8b",), lambda packed: Decompressing(packed, gzip)),
    Packing("zstd", ".zst", _ZSTD_MAGIC, lambda packed: Decompressing(packed, zstd)),
    Packing("xz", ".xz", (b"\xfd7zXZ\0",), lambda packed: Decompressing(packed, xz)),
    Packing("bzip2", ".bz2", _BZIP2_MAGIC, lambda packed: Decompressing(packed, bzip2)),
    ZIP,
)
"""All of them, in the order in which texts name their suffixes."""
PACKED_SUFFIXES = tuple(packing.suffix for packing in PACKINGS)
PACKED_WHOLE_MARKS = (ZIP.magic[0].decode("ascii"),)
"""What packed files begin with whose start says nothing without their end; in ASCII, for the page."""


def packing_of(head: bytes) -> Packing | None:
    """Return how a file with these first bytes is packed, None if it is not."""
    return next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)
