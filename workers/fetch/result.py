"""The result of a successful fetch: the bytes and the URL they really came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from workers.byte_budget import ByteReservation


@dataclass(frozen=True, slots=True)
class FetchedPicture:
    """The bytes of one picture. Only their number has been checked; decoding checks the rest."""

    data: bytes = field(repr=False)
    url: str  #: The URL requested last, after all redirects; for a file, its URL.
    status: int  #: The HTTP status (200 or 203); 200 for a file.
    etag: str | None = None  #: As the host sent it, at most 256 characters.
    hold: ByteReservation | None = field(default=None, repr=False, compare=False)
    """Counts the bytes against the process's limit for as long as anything refers to it."""
