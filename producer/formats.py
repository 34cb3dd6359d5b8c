"""The format of a catalog: the one the caller names, otherwise detected from its suffix, otherwise from its first bytes."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from producer.packed import PACKED_SUFFIXES, PACKED_WHOLE_MARKS
from producer.source import OpenedSource, Source
from producer.text.encodings import given_encoding, utf_16_without_mark
from producer.text.json_kind import goes_on, is_json_lines
from producer.text.lines import head_text
from vitrine.core.errors import BadInput
from vitrine.core.schemes import URL_START


class Format(enum.StrEnum):
    """The formats that can be read; `FORMATS` describes each."""

    CSV = "csv"  #: A header and rows; the separator is `,`, `;`, tab or `|`, whichever is most frequent in the header.
    TSV = "tsv"  #: The same, separated by tabs.
    JSONL = "jsonl"  #: One JSON object per line.
    JSON = "json"  #: One JSON document: an array of objects, or an object with one in it.
    PARQUET = "parquet"
    XLSX = "xlsx"  #: One sheet of a workbook: Excel's formats, old and new, and OpenDocument.
    XML = "xml"  #: RSS, Atom, or any document in which an element repeats.
    URLS = "urls"  #: One picture URL per line.
    FOLDER = "folder"  #: A folder of pictures.


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """A format's description, used by the commands, HTTP, the page and the detection."""

    title: str  #: Its name in a sentence, as in "a catalog is CSV, TSV or …".
    suffixes: tuple[str, ...] = ()  #: Suffixes of file names that are certainly in this format.
    maybe: tuple[str, ...] = ()  #: Suffixes shared with other formats: the first bytes decide.
    magic: tuple[bytes, ...] = ()
    """The first bytes of every such file, one of these; empty if there is no mark."""
    is_file: bool = True  #: Whether it is one file, which can be uploaded.
    needs_whole: bool = False
    """Whether the beginning of a file says nothing without its end."""


FORMATS: Mapping[Format, FormatSpec] = {
    Format.CSV: FormatSpec("CSV", (".csv",)),
    Format.TSV: FormatSpec("TSV", (".tsv", ".tab")),
    Format.JSONL: FormatSpec("JSON Lines", (".jsonl", ".ndjson"), (".json",)),
    Format.JSON: FormatSpec("JSON", (), (".json",)),
    Format.PARQUET: FormatSpec("Parquet", (".parquet", ".pq"), magic=(b"PAR1",), needs_whole=True),
    Format.XLSX: FormatSpec(
        "an Excel or OpenDocument workbook",
        (".xlsx", ".xlsm", ".xlsb", ".ods"),
        (".xls",),  # often a table of text or HTML, which Excel opens with a warning
        magic=(b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        needs_whole=True,
    ),
    Format.XML: FormatSpec("XML", (".xml", ".rss", ".atom")),
    Format.URLS: FormatSpec("a list of URLs", (), (".txt", ".list")),
    Format.FOLDER: FormatSpec("a folder of pictures", is_file=False),
}
FILE_FORMATS = tuple(name for name, spec in FORMATS.items() if spec.is_file)
PACKED = PACKED_SUFFIXES
"""The suffixes of packed files; that of the table is before it, as in `shop.csv.gz`."""
ACCEPTED_SUFFIXES = tuple(
    dict.fromkeys(suffix for spec in FORMATS.values() for suffix in (*spec.suffixes, *spec.maybe))
)
"""Suffixes that the page's file dialog accepts, besides `PACKED`."""
WHOLE_MARKS = tuple(
    dict.fromkeys(
        (
            *(
                magic.decode("latin-1")
                for spec in FORMATS.values()
                if spec.needs_whole
                for magic in spec.magic
            ),
            *PACKED_WHOLE_MARKS,
        )
    )
)
"""What files begin with that the page sends as a whole to be looked at, however large they are; a character is a byte."""

_LONE_URL = re.compile(rf"{URL_START}[^\s\"]+\s*$", re.IGNORECASE)
_NO_TABLES = {
    b"%PDF-": "a PDF document",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG\r\n": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x04\x22\x4d\x18": "an LZ4 file",
}
"""The first bytes of files that are often submitted by mistake; they are refused under any suffix."""
_HINTS = {
    "picture": "Give the folder it is in, or a table.",
    "zip archive": "Save it as CSV.",
    "archive": "Unpack it and give the table.",
    "LZ4 file": "Unpack it and give the table.",
}
"""What to do about a file, by the end of its description."""
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_UTF_16_XML = (b"<\0", b"\0<")
_XML = re.compile(r"<(?:\?xml\s|!--|!DOCTYPE\s|[^\W\d][\w.:-]*[\s/>])")
_CERTAINLY_XML = re.compile(r"<(?:\?xml|!DOCTYPE|rss|feed)\s")
_WEB_PAGE = re.compile(
    r"(?>\s+|<\?[^>]*>|<!--.*?-->)*+<(?:!doctype\s+)?html\b", re.IGNORECASE | re.DOTALL
)
"""Atomic, so that a file of blanks or comments takes linear time."""
_MARKS_WITH_NULS = (
    *(magic for spec in FORMATS.values() for magic in spec.magic),
    b"\xff\xfe",
    b"\xfe\xff",
    b"\0\0\xfe\xff",
    *_UTF_16_XML,
)


def detect(
    source: Source,
    opened: OpenedSource,
    told: Format | None = None,
    encoding: str | None = None,
) -> Format:
    """Return a file's format; raise `BadInput` for one that is clearly not a catalog (a workbook, an archive, a picture)."""
    _refuse_binary(source.name, opened.head, encoding)
    _refuse_web_page(source.name, opened.head, encoding)
    names = (opened.inner,) if opened.inner else source.file_names
    by_suffix = next(filter(None, map(_by_suffix, names)), None)
    found = told or by_suffix or _by_content(opened.head, encoding)
    if found is Format.FOLDER:
        raise BadInput(f"{source.name} is a file, not a folder of pictures.")
    marked = _by_magic(opened.head, encoding)
    if found is not marked and (marked or FORMATS[found].magic):
        what = f"is {FORMATS[marked].title}" if marked else f"is not {FORMATS[found].title}"
        raise BadInput(f"{source.name} {what}, but was to be read as {found}.")
    if found is Format.JSONL and told is None and goes_on(_start(opened.head, encoding)):
        return Format.JSON
    return found


def _by_suffix(file: str) -> Format | None:
    stem = file.lower()
    packed = next((suffix for suffix in PACKED if stem.endswith(suffix)), "")
    stem = stem.removesuffix(packed)
    return next((name for name, spec in FORMATS.items() if stem.endswith(spec.suffixes)), None)


def _by_magic(head: bytes, encoding: str | None) -> Format | None:
    if _CERTAINLY_XML.match(_start(head, encoding)):
        return Format.XML
    return next((name for name, spec in FORMATS.items() if head.startswith(spec.magic)), None)


def _by_content(head: bytes, encoding: str | None) -> Format:
    if (marked := _by_magic(head, encoding)) is not None:
        return marked
    text = _start(head, encoding)
    if text.startswith(("{", "[")):
        return Format.JSONL if is_json_lines(text) else Format.JSON
    if _XML.match(text):
        return Format.XML
    first = next((line for line in text.splitlines() if not line.startswith("#")), "")
    return Format.URLS if _LONE_URL.match(first) else Format.CSV


def _start(head: bytes, encoding: str | None) -> str:
    """Return a text file's beginning, without blanks before it."""
    if encoding is None and head.startswith(_UTF_16_XML):
        head = head.replace(b"\0", b"")
    return head_text(head, encoding).lstrip()


def _refuse_web_page(name: str, head: bytes, encoding: str | None) -> None:
    if _WEB_PAGE.match(_start(head, encoding)):
        raise BadInput(
            f"{name} is a web page, not a catalog.",
            hint="Download the feed itself; a page comes instead of it if a login is needed.",
        )


def _refuse_binary(name: str, head: bytes, encoding: str | None) -> None:
    for magic, what in _NO_TABLES.items():
        if head.startswith(magic):
            hint = next(
                (say for end, say in _HINTS.items() if what.endswith(end)), "Save it as CSV."
            )
            raise BadInput(f"{name} is {what}, not a table.", hint=hint)
    if head.startswith(_TAR_MAGIC, _TAR_MAGIC_AT):
        raise BadInput(
            f"{name} is a tar archive, not a table.", hint="Unpack it and give the table."
        )
    wide = given_encoding(encoding) or utf_16_without_mark(head) or ""
    if head.startswith(_MARKS_WITH_NULS) or wide.startswith(("utf-16", "utf-32")):
        return
    # A stray NUL affects one row only; if a tenth of the bytes are NUL, it is not text, or in an encoding that must be named.
    if head.count(b"\0") * 10 > len(head) > 0:
        raise BadInput(f"{name} is not text.", hint="Save it as UTF-8, or as UTF-16 with its mark.")
