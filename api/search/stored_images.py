"""Reading of a picture that was embedded from a file, so that it can be shown.

The file's bytes are sent only if their hash is the one stored with the vector. So even if the file has been
replaced, the response is either a picture that was put into this collection, or nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from typing import Any

from vitrine.core.errors import NotFound
from vitrine.core.schemes import FILE, local_path, scheme_of
from vitrine.core.settings import Settings
from vitrine.store.base import PROVENANCE_FIELD, URL_FIELD


def read_picture(payload: Mapping[str, Any], settings: Settings) -> bytes:
    """Return the picture's bytes; raise `NotFound` if they must not or cannot be sent."""
    if not settings.fetch_files:
        raise NotFound(
            "This service does not read files.", hint="Set VITRINE_FETCH_FILES=true to allow it, as standalone does."
        )  # fmt: skip
    url = payload[URL_FIELD]
    if scheme_of(url) is not FILE:
        raise NotFound("This picture is at a URL, not in a file.", hint="Fetch its image_url.")
    try:
        data = _read(local_path(url), settings.fetch_max_bytes)
    except (OSError, ValueError):
        raise NotFound("The picture's file can no longer be read.") from None
    if hashlib.sha256(data).hexdigest() != payload[PROVENANCE_FIELD]["content_sha256"]:
        raise NotFound("The picture's file has changed since it was embedded.")
    return data


def _read(path: str, limit: int) -> bytes:
    """Read at most `limit` bytes of a regular file. O_NONBLOCK, because opening a FIFO would wait for a writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        return file.read(limit)
