r"""Where a cell with several pictures is split.

::

    line breaks, tabs                        always
    https://h/1.jpg, https://h/2.jpg         at `,` `;` `|` or blanks directly before a scheme or `//host`
    https://h/a | b                          at a bar between blanks
    /m/1.jpg,/m/2.jpg;/m/3.jpg               at `,` `;` `|` or blanks if every part ends like a picture's file
    https://h/1.jpg;/m/2.jpg                 likewise, if the parts after a URL start with a slash
    a|b                                      at every bar, if there is no URL

So a single URL stays whole, whatever is in it: `https://h/w_300,h_200/6.jpg`, `https://h/a;b|c.jpg`, and a URL within a
URL after a slash or in a query.
"""

from __future__ import annotations

import re

from producer.image_suffixes import IMAGE_SUFFIXES
from producer.images.text import is_placeholder, stripped

_LINES = re.compile(r"[\r\n\t\v\f\x85\u2028\u2029]")
_BAR = re.compile(r"\s\|\s")
_NEXT_URL = re.compile(
    r"(?<=[\s|;,])(?:[a-z][a-z0-9+.-]{1,15}://|//[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}(?::[0-9]{1,5})?/)",
    re.IGNORECASE,
)
_FIRST_URL = re.compile(r"(?:[a-z][a-z0-9+.-]{1,15}:)?//", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_MAY_SPLIT = re.compile(r"[,;|\s]")
_SEPARATORS = ",;|"
SUFFIXES = tuple(
    sorted(f".{name}" for name in IMAGE_SUFFIXES | {"tif", "tiff", "heic", "heif", "svg"})
)
"""Ends of names that are pictures' files, also of kinds that are not read: the report on those is one for each picture."""


def split_names(text: str) -> list[str]:
    """Return the names in a text, by the module's rules; they can be blank or placeholders."""
    return [
        name
        for line in _lines(text)
        for part in _at_bars(line)
        for url in split_urls(part)
        for name in _at_suffixes(url)
    ]


def _lines(text: str) -> list[str]:
    *lines, last = _LINES.split(text)
    # A separator can stand before a line break too.
    return [*(re.sub(r"[,;|]$", "", stripped(line)) for line in lines), last]


def split_urls(text: str) -> list[str]:
    """Return a text split where a URL starts after a blank, `,`, `;` or `|`."""
    parts: list[str] = []
    begin = 0
    for found in _NEXT_URL.finditer(text):
        before = text[begin : found.start()].rstrip()
        # Only one separator: `https://h/a,,https://h/b` can be a URL that ends with a comma.
        if before[-1:] and before[-1] in _SEPARATORS:
            before = before[:-1]
        parts.append(before)
        begin = found.start()
    parts.append(text[begin:])
    return parts


def _at_bars(text: str) -> list[str]:
    if "|" not in text:
        return [text]
    return _BAR.split(text) if "://" in text else text.split("|")


def _at_suffixes(text: str) -> list[str]:
    """Return a text split at the separators between whole names of picture files."""
    if text.isspace() or not text:
        return []
    if _MAY_SPLIT.search(text.strip()) is None:
        return [text]
    is_url = _FIRST_URL.match(text.lstrip()) is not None
    names = [text]
    for separator in (*_SEPARATORS, None):
        names = [part for name in names for part in _if_files(name, separator, is_url=is_url)]
    return names


def _if_files(text: str, separator: str | None, *, is_url: bool) -> list[str]:
    parts = [
        stripped(part)
        for part in (_BLANKS.split(text) if separator is None else text.split(separator))
    ]
    if len(parts) < 2 or not all(map(_is_file_or_none, parts)):
        return [text]
    if is_url and not all(part[:1] == "/" or is_placeholder(part) for part in parts[1:]):
        return [text]
    return parts


def _is_file_or_none(part: str) -> bool:
    return is_placeholder(part) or _is_file(part)


def _is_file(part: str) -> bool:
    return part.partition("?")[0].lower().endswith(SUFFIXES)
