"""Text encodings: the names that are accepted for one, the marks that files begin with, and what people call them."""

from __future__ import annotations

import codecs

from vitrine.core.errors import BadInput

UTF_8 = "utf-8"
_REFUSED = frozenset(
    {
        "idna",
        "punycode",
        "unicode-escape",
        "raw-unicode-escape",
        "undefined",
        "utf-7",
        "mbcs",
        "oem",
    }
)
"""Python's text codecs in which no catalog is written: notations of other kinds, whose decoders can take quadratic time or
make a line end of other characters, and those that depend on the machine."""
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32's little-endian mark begins with that of UTF-16."""
_TITLES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without a mark",
    "utf-16-be": "UTF-16 without a mark",
    "utf-32": "UTF-32",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1252": "Windows-1252",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp1257": "Windows-1257",
    "cp932": "Shift JIS",
    "cp949": "EUC-KR",
    "iso8859-2": "ISO 8859-2",
    "iso8859-15": "ISO 8859-15",
    "mac-roman": "Mac Roman",
    "euc_jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "koi8-r": "KOI8-R",
}
_NULS_AT_LEAST, _NULS_AT_MOST = 0.3, 0.02
"""Shares of code units whose high and low bytes are NUL, in UTF-16 of mostly Latin letters."""


def canonical_encoding(name: str) -> str:
    """The codec's own name (`cp1252` for `Windows-1252`); raises `ValueError` for one that is not a text encoding."""
    try:
        found = codecs.lookup(name.strip())
        "a".encode(found.name)
        known = found.name not in _REFUSED
    except (LookupError, TypeError, ValueError, UnicodeError):
        known = False
    if not known:
        raise ValueError(
            f"{name[:40]!r} is not a text encoding; common ones are utf-8, cp1252, iso8859-15, utf-16 and shift_jis"
        ) from None
    return found.name


def given_encoding(name: str | None) -> str | None:
    """Return the caller's choice by its canonical name, None if there is none; raise `BadInput` for an unknown one."""
    try:
        return None if name is None else canonical_encoding(name)
    except ValueError as error:
        raise BadInput(f"The encoding {error}.") from None


def title_of(encoding: str) -> str:
    """Return what people call an encoding."""
    return _TITLES.get(encoding, encoding)


def mark_of(head: bytes) -> tuple[str, bytes] | None:
    """Return the encoding whose mark a file begins with, and the mark; None if there is none."""
    return next(((name, mark) for mark, name in _MARKS if head.startswith(mark)), None)


def decoder_skips_mark(encoding: str) -> bool:
    """Whether the encoding's decoder takes a mark as such by itself."""
    return encoding in ("utf-16", "utf-32")


def utf_16_without_mark(head: bytes) -> str | None:
    """Return the UTF-16 in which a file without a mark is written, by its NULs; None if it is not UTF-16."""
    units = len(head) // 2
    if not units:
        return None
    high, low = head[0 : 2 * units : 2].count(0) / units, head[1 : 2 * units : 2].count(0) / units
    if low >= _NULS_AT_LEAST and high <= _NULS_AT_MOST:
        found = "utf-16-le"
    elif high >= _NULS_AT_LEAST and low <= _NULS_AT_MOST:
        found = "utf-16-be"
    else:
        return None
    try:
        codecs.getincrementaldecoder(found)().decode(head[: 2 * units])
    except UnicodeDecodeError:
        return None
    return found
