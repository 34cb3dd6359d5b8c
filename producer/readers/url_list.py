"""A list of pictures: one URL (or path) a line, which is the item's id as well; `#` begins a remark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from producer.limits import MAX_ID_BYTES
from producer.lines import Lines
from producer.readers.base import Row
from producer.row_errors import RowError
from producer.source import OpenedSource
from vitrine.core.types import RejectedRow


class UrlList:
    """The reader of URL lists."""

    typed = True
    notes: Sequence[str] = ()
    names = ("id", "image")

    def __init__(self, opened: OpenedSource, name: str) -> None:
        self._opened = opened
        self._name = name
        self._lines = Lines(opened.stream, opened.head, name)

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Every line that is neither blank nor a remark."""
        lines = self._lines
        while True:
            lines.begin_row()
            try:
                line = next(lines, None)
                if line is None:
                    return
                if (flaw := lines.take_flaw()) is not None:
                    raise flaw
            except RowError as flaw:
                yield flaw.at(self._name, lines.row_start)
                continue
            url = line.strip()
            if url and not url.startswith("#"):
                yield Row(lines.row_start, {"id": _id(url), "image": [url]}, len(line))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
        self._opened.close()


def _id(url: str) -> str:
    """The URL itself, or the digest of one too long for an id (signed URLs are)."""
    raw = url.encode(errors="surrogatepass")
    if len(raw) <= MAX_ID_BYTES:
        return url
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
