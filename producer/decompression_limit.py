"""How far a packed file may unfold: gzip makes a thousand bytes of one, and Parquet millions.

Where a stranger uploads it, a catalog ends where it unfolds further than catalogs do: past a size and a multiple
of its own, which real ones stay far below (gzip makes 5 to 20 bytes of one), or past a size in all. A file that
its user names on this machine has no such end; it is streamed like any other, and can be stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

FREE_BYTES = 64 * 1024 * 1024
"""To this size the multiple does not matter: short files of one line over and over are no attack."""
MULTIPLE = 100
ROW_BYTES = 16
"""What each row of Parquet counts beside its values: rows of nothing cost time too."""


class DecompressionLimitExceeded(OSError):
    """Raised while a file is read that unfolds further than it may; a reader ends there, as at a file that is cut."""


@dataclass(frozen=True, slots=True)
class DecompressionLimit:
    """The bound: `total` bytes in all, and before it `MULTIPLE` times the packed bytes, though at least `FREE_BYTES`."""

    total: int

    def allowed(self, packed: int) -> int:
        """Bytes to which so many may unfold."""
        return min(self.total, max(FREE_BYTES, MULTIPLE * packed))


class DecompressedSize:
    """What one opened file has unfolded to; None bounds nothing."""

    def __init__(self, bound: DecompressionLimit | None) -> None:
        self._bound = bound
        self._size = 0

    def add(self, size: int, packed: int) -> None:
        """So many bytes more, out of `packed` in all; raises `DecompressionLimitExceeded`."""
        if self._bound is None:
            return
        self._size += size
        if self._size > (most := self._bound.allowed(packed)):
            raise DecompressionLimitExceeded(
                f"it unfolds to more than {most:,} bytes, as many as are taken of such an upload; "
                "`vitrine submit` takes it whole"
            )
