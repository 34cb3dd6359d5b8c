"""A limit on decompression: one byte of gzip can become a thousand, one byte of xz, zstd or Parquet many more.

Reading of an uploaded catalog stops once it decompresses further than real catalogs do: above both a size and a
multiple of its compressed size (with gzip, one byte of a real catalog becomes 5 to 20), or above a total size. A
local file that the user names has no such limit; it is streamed like any other, and the user can stop it.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitrine.core.errors import BadInput

FREE_BYTES = 64 * 1024 * 1024
"""Up to this size the multiple is ignored: a short file that repeats one line is not an attack."""
MULTIPLE = 100
ROW_BYTES = 16
"""Bytes counted per Parquet row in addition to its values: empty rows cost time too."""


class DecompressionLimitExceeded(OSError):
    """Raised when a file decompresses beyond its limit; the reader stops there, as in a truncated file."""


@dataclass(frozen=True, slots=True)
class DecompressionLimit:
    """The limit: `MULTIPLE` times the compressed bytes but at least `FREE_BYTES`, and never above `total` bytes."""

    total: int

    def allowed(self, packed: int) -> int:
        """Return the number of bytes to which `packed` bytes can decompress."""
        return min(self.total, max(FREE_BYTES, MULTIPLE * packed))


class DecompressedSize:
    """The decompressed size of one open file so far; with `bound` None it is unlimited."""

    def __init__(self, bound: DecompressionLimit | None) -> None:
        self._bound = bound
        self._size = 0

    def add(self, size: int, packed: int) -> None:
        """Count `size` more bytes, decompressed from `packed` bytes in total; raise `DecompressionLimitExceeded` above the limit."""
        if self._bound is None:
            return
        self._size += size
        if self._size > (most := self._bound.allowed(packed)):
            raise DecompressionLimitExceeded(f"it {_too_far(most)}")

    def refuse_declared(self, size: int, packed: int, name: str) -> None:
        """Raise `BadInput` for a file that says itself that it decompresses from `packed` to `size` bytes, if those are too many."""
        if self._bound is not None and size > (most := self._bound.allowed(packed)):
            raise BadInput(f"{name} {_too_far(most)}.")


def _too_far(most: int) -> str:
    return (
        f"unfolds to more than {most:,} bytes, the most that are read of such an upload; "
        "`vitrine submit` takes it whole"
    )
