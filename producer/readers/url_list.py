"""A list of pictures: one URL (or path) per line, which is also the item's id; `#` starts a comment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from producer.limits import MAX_ID_BYTES
from producer.row import Row
from producer.row_errors import RowError
from producer.source import OpenedSource
from producer.text.lines import Lines
from vitrine.core.types import RejectedRow


class UrlList:
    """The reader for URL lists."""

    typed = True
    names = ("id", "image")

    def __init__(self, opened: OpenedSource, name: str, encoding: str | None = None) -> None:
        self._opened = opened
        self._name = name
        self._lines = Lines(opened.stream, opened.head, name, encoding)
        self.notes: Sequence[str] = self._lines.notes

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every line that is neither blank nor a comment."""
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
    """Return the URL itself, or its digest if it is too long for an id (signed URLs often are)."""
    raw = url.encode(errors="surrogatepass")
    if len(raw) <= MAX_ID_BYTES:
        return url
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
