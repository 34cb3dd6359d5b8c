"""The pictures named by one cell or value.

A typed value (JSON, Parquet) is a text, a list, or a list of objects with a `url`, `src` or `href`. A text is
split by the first of these rules that applies:

- a JSON array is a list;
- with a separator (`--image-separator`), split at that and nothing else;
- if the cell holds a URL, split at line breaks, at `|` between blanks, and at `|`, `;` or blanks (a comma may
  come before the blanks) if the next URL begins right after;
- otherwise the cell holds relative paths: split at line breaks and at any `|`.

So a single URL that contains a comma, a semicolon or a bar stays whole. A comma without a blank after it never
splits, because image services put commas into their URLs.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from producer.limits import MAX_IMAGES_PER_ITEM, MAX_URL_CHARS
from producer.row_errors import RowError, shown
from vitrine.core.schemes import URL_START

_MAX_CELL = MAX_IMAGES_PER_ITEM * (MAX_URL_CHARS + 16)
_MAY_SPLIT = re.compile(r"[|;\s]")
# Every repetition is bounded, so that a cell of a million blanks takes linear time.
_URL_NEXT = rf"(?={URL_START})"
_BETWEEN_URLS = re.compile(
    rf"[\r\n]|\s\|\s|[|;]\s{{0,8}}{_URL_NEXT}|,?\s{{1,8}}{_URL_NEXT}", re.IGNORECASE
)
_BETWEEN_PATHS = re.compile(r"[\r\n|]")
_KEYS = ("url", "src", "href")


def image_values(value: Any, separator: str | None = None) -> list[str]:
    """Return the pictures that a field names, in order and stripped; raise `RowError` for a value that does not name one."""
    if isinstance(value, str):
        return split_cell(value, separator)
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [_one(entry) for entry in value if entry is not None]
    return [_one(value)]


def split_cell(cell: str, separator: str | None = None) -> list[str]:
    """Return the pictures that a text names, by the module's rules."""
    text = cell.strip()
    if not text:
        return []
    if len(text) > _MAX_CELL:
        raise RowError(f"a cell of {len(text)} characters, at most {_MAX_CELL} name pictures")
    if text[0] == "[" and text[-1] == "]":
        return _array(text)
    if separator is not None:
        return _parts(text.split(separator))
    if not _MAY_SPLIT.search(text):
        return [text]
    pattern = _BETWEEN_URLS if "://" in text else _BETWEEN_PATHS
    return _parts(pattern.split(text))


def _array(text: str) -> list[str]:
    try:
        return image_values(orjson.loads(text))
    except orjson.JSONDecodeError:
        raise RowError(f"expected a JSON array, found {shown(text)}") from None


def _one(entry: object) -> str:
    if isinstance(entry, dict):
        entry = next((entry[key] for key in _KEYS if key in entry), None)
    if isinstance(entry, str) and entry.strip():
        return entry.strip()
    raise RowError(f"expected a picture's URL or path, found {shown(entry)}")


def _parts(parts: list[str]) -> list[str]:
    return [stripped for part in parts if (stripped := part.strip())]
