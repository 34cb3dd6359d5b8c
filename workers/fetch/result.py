"""What a fetch ends in when it goes well: the bytes, and where they really came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from workers.byte_budget import ByteReservation


@dataclass(frozen=True, slots=True)
class FetchedPicture:
    """The bytes of one picture. Nothing is known about them yet but their number: decoding decides."""

    data: bytes = field(repr=False)
    url: str  #: After the last redirect, as it was asked for; a file's own URL.
    status: int  #: The HTTP status (200 or 203); 200 for a file.
    etag: str | None = None  #: As the host sent it, at most 256 characters.
    hold: ByteReservation | None = field(default=None, repr=False, compare=False)
    """Counts the bytes against what the process may hold, for as long as anybody has them."""
