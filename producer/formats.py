"""Which format a catalog is in: as told, else by its suffix, else by its first bytes."""

from __future__ import annotations

import enum
import re

from producer.lines import head_text
from producer.source import OpenedSource, Source
from vitrine.core.errors import BadInput


class Format(enum.StrEnum):
    """The formats that can be read."""

    CSV = "csv"  #: A header and rows; the separator is `,`, `;`, tab or `|`, whichever the header has most of.
    TSV = "tsv"  #: The same, separated by tabs.
    JSONL = "jsonl"  #: One JSON object a line.
    PARQUET = "parquet"
    URLS = "urls"  #: One picture URL a line.
    FOLDER = "folder"  #: A folder of pictures.


_BY_SUFFIX = {
    "csv": Format.CSV,
    "tsv": Format.TSV,
    "tab": Format.TSV,
    "jsonl": Format.JSONL,
    "ndjson": Format.JSONL,
    "parquet": Format.PARQUET,
    "pq": Format.PARQUET,
}
"""`.txt`, `.json` and `.list` are not here: what they hold shows only in their first bytes."""

_LONE_URL = re.compile(r"(?:https?|file)://[^\s\"]+\s*$", re.IGNORECASE)
_NO_TABLES = {
    b"PK\x03\x04": "a workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls)",
    b"%PDF-": "a PDF document",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG\r\n": "a PNG picture",
    b"GIF8": "a GIF picture",
}
"""The first bytes of what is given for a catalog by mistake; the suffix does not matter."""
_MARKS_WITH_NULS = (b"PAR1", b"\xff\xfe", b"\xfe\xff")


def detect(source: Source, opened: OpenedSource, told: Format | None = None) -> Format:
    """The format of a file; raises `BadInput` for what is plainly none (a workbook, an archive, a picture)."""
    _refuse_binary(source.name, opened.head)
    found = told or _by_suffix(source.name) or _by_content(opened.head)
    if found is Format.FOLDER:
        raise BadInput(f"{source.name} is a file, not a folder of pictures.")
    if (found is Format.PARQUET) != opened.head.startswith(b"PAR1"):
        what = "is Parquet" if opened.head.startswith(b"PAR1") else "is no Parquet file"
        raise BadInput(f"{source.name} {what}, but was to be read as {found}.")
    if found is Format.JSONL and head_text(opened.head).lstrip().startswith("["):
        raise BadInput(
            f"{source.name} is one JSON array.",
            hint="Write one object a line (JSON Lines): jq -c '.[]' FILE.",
        )
    return found


def _by_suffix(name: str) -> Format | None:
    stem = name.lower().removesuffix(".gz")
    return _BY_SUFFIX.get(stem.rpartition(".")[2]) if "." in stem else None


def _by_content(head: bytes) -> Format:
    if head.startswith(b"PAR1"):
        return Format.PARQUET
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
    # A stray NUL is one row's problem; a tenth of them is UTF-16 without its mark, or no text.
    if head.count(b"\0") * 10 > len(head) > 0:
        raise BadInput(f"{name} is not text.", hint="Save it as UTF-8, or as UTF-16 with its mark.")
