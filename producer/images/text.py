"""One picture's name as spreadsheets, shops and programs wrap it, and the name itself."""

from __future__ import annotations

import re
import string

from producer.limits import MAX_URL_CHARS
from producer.row_errors import RowError, shown

_EDGE = (
    string.whitespace
    + "\x1c\x1d\x1e\x1f\x85\xa0\xad\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    + "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""Blanks and characters of no width, of which none begins or ends a name."""
_PLACEHOLDERS = frozenset({
    "", "null", "none", "nil", "n/a", "na", "nan", "#n/a", "<na>", "-", "--", "\u2013", "\u2014", "undefined",
    "no_selection", "no selection", "no_image", "no image", "no-image", "noimage",
})  # fmt: skip
_WRAPPERS = {
    '"': '"', "'": "'", "<": ">", "\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019", "\xab": "\xbb",
}  # fmt: skip
_MOST_WRAPPERS = 4
_FORMULA = re.compile(
    rf'=\s{{0,4}}(?:_xlfn\.)?(?:HYPERLINK|IMAGE)\(\s{{0,4}}"([^"]{{1,{MAX_URL_CHARS}}})"[^"]{{0,16}}(?:"[^"]{{0,4096}}"[^"]{{0,64}})?\)',
    re.IGNORECASE,
)
_IMG = re.compile(r"""<img\b((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(data-src|src)\s{0,8}=\s{0,8}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_QUOTED = re.compile(
    r"""\s{0,64}(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(None|null|NULL|nan))\s{0,64}(,|(?=["'])|$)""",
    re.DOTALL,
)
_BARE = re.compile(
    r"""\s{0,64}(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^,"'{}]*))\s{0,64}(,|$)""", re.DOTALL
)
_ESCAPED = re.compile(r"""\\(["'\\/])""")


def stripped(text: str) -> str:
    """Return a text without blanks, byte order marks and characters of no width at its ends."""
    return text.strip(_EDGE)


def cleaned(text: str) -> str:
    """Return a name without what is wrapped around it: quotes, `<…>`, or a spreadsheet's formula."""
    text = stripped(text)
    for _ in range(_MOST_WRAPPERS):
        if len(text) < 2 or _WRAPPERS.get(text[0]) != text[-1] or text[0] in text[1:-1]:
            break
        text = stripped(text[1:-1])
    if text.startswith("=") and (formula := _FORMULA.fullmatch(text)):
        return stripped(formula[1])
    return text


def is_placeholder(name: str) -> bool:
    """Return whether a name says that there is no picture."""
    return len(name) <= 16 and name.casefold() in _PLACEHOLDERS


def img_sources(text: str) -> list[str] | None:
    """Return the `src` of each `<img>` in a text, None if it has none; raise `RowError` for one without a source."""
    if "<" not in text or not (tags := _IMG.findall(text)):
        return None
    return [_source(tag) for tag in tags]


def quoted_entries(text: str, *, bare: bool = False) -> list[str] | None:
    r"""Return the entries of `'a', "b"`, as Python (and numpy, without commas) writes lists; None for any other text.

    With `bare`, entries can be without quotes, as in Postgres's `{a,"b,c",NULL}`.
    """
    pattern = _BARE if bare else _QUOTED
    if not bare and text.lstrip()[:1] not in ('"', "'", "N", "n"):
        return None
    entries: list[str] = []
    at = 0
    while at < len(text):
        entry = pattern.match(text, at)
        if entry is None or entry.end() == at:
            return None
        at = entry.end()
        double, single, other, _ = entry.groups()
        quoted = double if double is not None else single
        entries.append(_ESCAPED.sub(r"\1", quoted) if quoted is not None else other)
    return entries


def _source(tag: str) -> str:
    found: dict[str, str] = {}
    for name, double, single, plain in _ATTRIBUTE.findall(tag):
        found.setdefault(name.lower(), double or single or plain)
    source = found.get("src", "")
    if (not source or source.startswith("data:")) and "data-src" in found:
        source = found["data-src"]  # a picture that a script loads later
    if not source:
        raise RowError(f"an <img> without a src: {shown(tag)}")
    return source
