"""The format of a catalog: the one the caller names, otherwise detected from its suffix, otherwise from its first bytes."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from producer.lines import head_text
from producer.source import OpenedSource, Source
from vitrine.core.errors import BadInput
from vitrine.core.schemes import URL_START


class Format(enum.StrEnum):
    """The formats that can be read; `FORMATS` describes each."""

    CSV = "csv"  #: A header and rows; the separator is `,`, `;`, tab or `|`, whichever is most frequent in the header.
    TSV = "tsv"  #: The same, separated by tabs.
    JSONL = "jsonl"  #: One JSON object per line.
    PARQUET = "parquet"
    URLS = "urls"  #: One picture URL per line.
    FOLDER = "folder"  #: A folder of pictures.


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """A format's description, used by the commands, HTTP, the page and the detection."""

    title: str  #: Its name in a sentence, as in "a catalog is CSV, TSV or …".
    suffixes: tuple[str, ...] = ()  #: Suffixes of file names that are certainly in this format.
    maybe: tuple[str, ...] = ()  #: Suffixes shared with other formats: the first bytes decide.
    magic: bytes = b""  #: The first bytes of every such file; empty if there is no mark.
    is_file: bool = True  #: Whether it is one file, which can be uploaded.
    needs_whole: bool = False
    """Whether the beginning of a file says nothing without its end; its `magic` is ASCII, for the page to know it by."""


FORMATS: Mapping[Format, FormatSpec] = {
    Format.CSV: FormatSpec("CSV", (".csv",)),
    Format.TSV: FormatSpec("TSV", (".tsv", ".tab")),
    Format.JSONL: FormatSpec("JSON Lines", (".jsonl", ".ndjson"), (".json",)),
    Format.PARQUET: FormatSpec("Parquet", (".parquet", ".pq"), magic=b"PAR1", needs_whole=True),
    Format.URLS: FormatSpec("a list of URLs", (), (".txt", ".list")),
    Format.FOLDER: FormatSpec("a folder of pictures", is_file=False),
}
FILE_FORMATS = tuple(name for name, spec in FORMATS.items() if spec.is_file)
PACKED = ".gz"
"""The suffix of compressed files."""
ACCEPTED_SUFFIXES = tuple(
    dict.fromkeys(suffix for spec in FORMATS.values() for suffix in (*spec.suffixes, *spec.maybe))
)
"""Suffixes that the page's file dialog accepts, besides `PACKED`."""
WHOLE_MARKS = tuple(spec.magic.decode("ascii") for spec in FORMATS.values() if spec.needs_whole)
"""What files begin with that the page sends as a whole to be looked at, however large they are."""

_LONE_URL = re.compile(rf"{URL_START}[^\s\"]+\s*$", re.IGNORECASE)
_NO_TABLES = {
    b"PK\x03\x04": "a workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls)",
    b"%PDF-": "a PDF document",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG\r\n": "a PNG picture",
    b"GIF8": "a GIF picture",
}
"""The first bytes of files that are often submitted by mistake; they are refused under any suffix."""
_MARKS_WITH_NULS = (
    *(spec.magic for spec in FORMATS.values() if spec.magic),
    b"\xff\xfe",
    b"\xfe\xff",
)


def detect(source: Source, opened: OpenedSource, told: Format | None = None) -> Format:
    """Return a file's format; raise `BadInput` for one that is clearly not a catalog (a workbook, an archive, a picture)."""
    _refuse_binary(source.name, opened.head)
    named = filter(None, map(_by_suffix, source.file_names))
    found = told or next(named, None) or _by_content(opened.head)
    if found is Format.FOLDER:
        raise BadInput(f"{source.name} is a file, not a folder of pictures.")
    marked = _by_magic(opened.head)
    if found is not marked and (marked or FORMATS[found].magic):
        what = f"is {FORMATS[marked].title}" if marked else f"is no {FORMATS[found].title} file"
        raise BadInput(f"{source.name} {what}, but was to be read as {found}.")
    if found is Format.JSONL and head_text(opened.head).lstrip().startswith("["):
        raise BadInput(
            f"{source.name} is one JSON array.",
            hint="Write one object a line (JSON Lines): jq -c '.[]' FILE.",
        )
    return found


def _by_suffix(file: str) -> Format | None:
    stem = file.lower().removesuffix(PACKED)
    return next((name for name, spec in FORMATS.items() if stem.endswith(spec.suffixes)), None)


def _by_magic(head: bytes) -> Format | None:
    return next(
        (name for name, spec in FORMATS.items() if spec.magic and head.startswith(spec.magic)), None
    )


def _by_content(head: bytes) -> Format:
    if (marked := _by_magic(head)) is not None:
        return marked
    text = head_text(head).lstrip()
    if text.startswith(("{", "[")):
        return Format.JSONL
    first = next((line for line in text.splitlines() if not line.startswith("#")), "")
    return Format.URLS if _LONE_URL.match(first) else Format.CSV


def _refuse_binary(name: str, head: bytes) -> None:
    for magic, what in _NO_TABLES.items():
        if head.startswith(magic):
            picture = what.endswith("picture")
            hint = "Give the folder it is in, or a table." if picture else "Save it as CSV."
            raise BadInput(f"{name} is {what}, not a table.", hint=hint)
    if head.startswith(_MARKS_WITH_NULS):
        return
    # A stray NUL affects one row only; if a tenth of the bytes are NUL, it is UTF-16 without its mark, or not text.
    if head.count(b"\0") * 10 > len(head) > 0:
        raise BadInput(f"{name} is not text.", hint="Save it as UTF-8, or as UTF-16 with its mark.")
