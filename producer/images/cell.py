"""The pictures named by one cell or value.

A typed value (JSON, Parquet) is a text, a list, or an object with a `url`, `src` or another of `_KEYS`; lists can be
nested, and entries that say they are videos or 3D models are skipped. A text is read by the first rule that applies:

- a plain URL is one picture;
- a JSON array or object, a list as Python or Postgres writes it, or HTML with `<img src=…>` is what it holds;
- with a separator (`--image-separator`), the text is split at that and nothing else;
- the text is split by the rules of `producer.images.split`.

Each name is cleaned as `producer.images.text` says. Placeholders (`null`, `N/A`, `-`, `no_selection`) are no pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson

from producer.images.split import split_names, split_urls
from producer.images.text import cleaned, img_sources, is_placeholder, quoted_entries, stripped
from producer.limits import MAX_IMAGES_PER_ITEM, MAX_NESTING, MAX_URL_CHARS
from producer.row_errors import RowError, shown
from producer.values.texts import decode_entities

_MAX_CELL = MAX_IMAGES_PER_ITEM * (MAX_URL_CHARS + 16)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9/._~%?=+:@!$*#&()-]+")
"""A URL or path with nothing in it that could separate, enclose or stand for something else."""
_PLAIN_URL = r"https?://[A-Za-z0-9/._~%?=+:@!$*#&()-]+"
_PLAIN_URLS = re.compile(rf"{_PLAIN_URL}(?:(?: ?[|,] ?| ){_PLAIN_URL})+", re.IGNORECASE)
"""Several such URLs with the usual separators, the commonest cell; it is split without a look at everything else. No `;`, which
ends an entity."""
_BETWEEN_PLAIN = re.compile(r" ?[|, ] ?")
_KEYS = (
    "url", "src", "href", "link", "image", "image_url", "imageUrl", "contentUrl", "original", "large", "full", "path",
)  # fmt: skip
_TYPES = ("type", "media_type", "mediaType", "media_content_type", "mediaContentType", "@type")
_NO_PICTURE = re.compile(r"video|model|3d", re.IGNORECASE)
_CLOSING = {"[": "]", "{": "}", "(": ")"}


def image_values(value: Any, separator: str | None = None) -> list[str]:
    """Return the pictures that a field names, in order and cleaned; raise `RowError` for a value that does not name one."""
    if isinstance(value, str):
        return split_cell(value, separator)
    return [] if value is None else list(_entries(value, MAX_NESTING))


def split_cell(cell: str, separator: str | None = None) -> list[str]:
    """Return the pictures that a text names, by the module's rules."""
    if separator is None and _PLAIN_NAME.fullmatch(cell):
        return [] if is_placeholder(cell) else [cell]
    if separator is None and len(cell) <= _MAX_CELL and _PLAIN_URLS.fullmatch(cell):
        return _BETWEEN_PLAIN.split(cell)
    text = stripped(cell)
    return _read(text, separator) if text else []


def _read(text: str, separator: str | None) -> list[str]:
    if len(text) > _MAX_CELL:
        raise RowError(f"a cell of {len(text)} characters, at most {_MAX_CELL} name pictures")
    if _CLOSING.get(text[0]) == text[-1] and (held := _enclosed(text)) is not None:
        return held
    decoded = decode_entities(text)
    if separator is not None:
        return _names(decoded.split(separator))
    if (sources := img_sources(text) or img_sources(decoded)) is not None:
        return _names([decode_entities(source) for source in sources])
    return _names(quoted_entries(decoded) or split_names(cleaned(decoded)))


def _enclosed(text: str) -> list[str] | None:
    """Return the pictures in a JSON array or object, or in a list of another language; None for a text in brackets."""
    if text[0] != "(":
        for written in dict.fromkeys((text, decode_entities(text))):
            with suppress(orjson.JSONDecodeError):
                return list(_entries(orjson.loads(written), MAX_NESTING))
    inner = decode_entities(text[1:-1])
    parts = quoted_entries(inner, bare=text[0] == "{")
    if parts is None and text[0] == "[" and "://" in inner:
        parts = split_names(inner)
    if parts is None and text[0] != "(":
        raise RowError(f"expected a JSON array, found {shown(text)}")
    return None if parts is None else _names(parts)


def _entries(value: Any, levels: int) -> Iterator[str]:
    """Yield the pictures in a value of JSON: texts, objects, and lists of them."""
    if isinstance(value, str):
        # An entry is one name. Feeds join URLs within one, though, and no URL is split by that rule.
        yield from _names(split_urls(cleaned(decode_entities(value))))
    elif isinstance(value, list | tuple) and levels > 0:
        for entry in value:
            yield from _entries(entry, levels - 1)
    elif isinstance(value, dict) and levels > 0:
        yield from _object(value, levels - 1)
    elif value is not None and value is not False and value == value:  # noqa: PLR0124 - a missing value can be NaN
        raise RowError(f"expected a picture's URL or path, found {shown(value)}")


def _object(value: dict[str, Any], levels: int) -> Iterator[str]:
    for key in _TYPES:
        kind = value.get(key)
        if isinstance(kind, str) and _NO_PICTURE.search(kind):
            return
    if value and value.keys().isdisjoint(_KEYS):
        raise RowError(f"expected a picture's URL or path, found {shown(value)}")
    yield from _entries(next((value[key] for key in _KEYS if value.get(key)), None), levels)


def _names(parts: list[str]) -> list[str]:
    return [name for part in parts if not is_placeholder(name := cleaned(part))]
