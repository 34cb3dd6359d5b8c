"""A CSV of pictures and texts: its original rows, and the pair of each row that is sent to be scored."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vitrine.core.errors import BadInput
from vitrine.core.schemes import FILE, local_path, scheme_of
from vitrine.core.types import RejectedRow

if TYPE_CHECKING:
    from producer.formats import Format
    from producer.image_url import ImageRoot
    from producer.row import Row
from producer.readers.base import Reader

IMAGE_NAMES = ("image_input", "image_url", "image", "image_path", "picture", "url", "path", "file")
TEXT_NAMES = ("text_prompt", "text", "prompt", "caption", "description", "title")
"""Common column names, in order of preference."""
MAX_TEXT = 1000  #: Characters that the API accepts.


@dataclass(frozen=True, slots=True)
class ScorePair:
    """One row: its cells by column, and the problem if it cannot be sent."""

    line: int
    cells: dict[str, str]
    body: dict[str, str]  #: The pair as sent to the API.
    problem: str | None = None

    @property
    def size(self) -> int:
        """Approximate bytes of the body."""
        return sum(len(value) for value in self.body.values()) + 64


class PairsFile:
    """An opened CSV or TSV, plain or packed; a context manager."""

    def __init__(
        self, path: Path, *, image: str | None, text: str | None, image_root: str | None, most: int
    ) -> None:
        """Open the file and find its columns; a local picture may have `most` bytes. Raises `BadInput`."""
        from producer.image_url import image_root as rooted
        from producer.readers import open_reader
        from producer.source import from_path

        source = from_path(path)
        found, self._reader = open_reader(source)
        try:
            _require_table(found, source.name)
            self.names = tuple(self._reader.names)
            self.image = _column(self.names, image, IMAGE_NAMES, "pictures", "--image")
            self.text = _column(self.names, text, TEXT_NAMES, "texts", "--text")
            self._root = rooted(image_root, source.folder, allow_files=True, places=None)
        except BaseException:
            self._reader.close()
            raise
        self._most = most

    def __enter__(self) -> PairsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def __iter__(self) -> Iterator[ScorePair | RejectedRow]:
        return rows(self._reader, self)

    def pair(self, row: Row) -> ScorePair:
        """Return the row's pair; a local picture is read now."""
        cells = {name: str(value) for name, value in row.values.items()}
        text, image = cells[self.text].strip(), cells[self.image].strip()
        if not text or len(text) > MAX_TEXT:
            return ScorePair(row.line, cells, {}, f"expected a text of 1 to {MAX_TEXT} characters")
        if not image:
            return ScorePair(row.line, cells, {}, "expected a picture, found none")
        told = picture_cell(image, self._root, self._most)
        if isinstance(told, str):
            return ScorePair(row.line, cells, {}, told)
        return ScorePair(row.line, cells, {**told, "text": text})


def rows(reader: Reader, pairs: PairsFile) -> Iterator[ScorePair | RejectedRow]:
    """Yield every row after the header."""
    for row in reader.rows():
        yield row if isinstance(row, RejectedRow) else pairs.pair(row)


def picture_cell(value: str, root: ImageRoot, most: int) -> dict[str, str] | str:
    """Return a cell as the API accepts it, as a URL or the base64 of a file below the root, or else the problem as text."""
    from producer.row_errors import RowError

    try:
        url = root.url(value)
    except RowError as flaw:
        return flaw.message
    if scheme_of(url) is not FILE:
        return {"image_url": url}
    try:
        with open(local_path(url), "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        return f"the picture cannot be read: {(error.strerror or str(error)).lower()}"
    if len(data) > most:
        return f"the picture has more than {most} bytes"
    return {"image_base64": base64.b64encode(data).decode()}


def _require_table(found: Format, name: str) -> None:
    if found not in ("csv", "tsv"):
        raise BadInput(f"{name} is not a CSV or TSV file: its format was detected as {found}.")


def _column(
    names: tuple[str, ...], told: str | None, usual: tuple[str, ...], what: str, option: str
) -> str:
    if told is not None and told not in names:
        raise BadInput(
            f"There is no column {told!r}.", hint=f"The columns are: {', '.join(names)}."
        )
    by_small = {name.lower(): name for name in reversed(names)}
    found = told or next((by_small[name] for name in usual if name in by_small), None)
    if found is None:
        raise BadInput(
            f"None of the columns {', '.join(names)} has a common name for {what}.",
            hint=f"Name it with {option} COLUMN.",
        )
    return found
