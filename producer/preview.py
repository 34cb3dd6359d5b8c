"""A preview of a catalog before it is submitted: its columns, the role of each, and the first problems in its first rows.

Nothing is sent or stored. The file is opened twice: once for example values of each column, which are shown even if
no column is known for the id or the pictures, and once to be read as a submit would read it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import orjson

from producer.catalog import CatalogOptions, open_catalog
from producer.columns import guess_id, guess_images, refuse_unknown_columns
from producer.formats import Format
from producer.readers import Row, open_reader
from producer.report import CatalogReport
from producer.row_errors import FileBrokenOff
from producer.source import Source
from producer.submit.submission import inspect
from vitrine.core.types import CatalogItem, RejectedRow

PREVIEW_ROWS = 10_000
"""Rows that are validated; a preview of more would take too long."""
EXAMPLES = 3
EXAMPLE_CHARS = 160
_LOOKED_AT = 50
"""Rows from which examples are taken."""


class Role(enum.StrEnum):
    """The role of a column."""

    ID = "id"
    IMAGE = "image"
    FIELD = "field"  #: Stored with the item; filters and hits show it.


@dataclass(frozen=True, slots=True)
class PreviewColumn:
    """One column; `kind` as `producer.column_types` names it, None if the rows were not validated."""

    name: str
    role: Role
    kind: str | None
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The result a submit would have for the catalog's first rows."""

    source: str
    format: Format
    columns: tuple[PreviewColumn, ...]
    missing: tuple[Role, ...]  #: Roles without a column; if any, no row is validated.
    report: CatalogReport
    whole: bool  #: Whether the report covers every row.


def preview(
    source: Source, options: CatalogOptions, *, most: int = PREVIEW_ROWS, cut: bool = False
) -> Preview:
    """Validate the first `most` rows; with `cut` the bytes are the start of a longer file, and the last row is ignored.

    The source has to allow a second opening. Raises `BadInput` if it is not a catalog, or if a column named in
    the options does not exist.
    """
    found, names, rows = _first_rows(source, options)
    refuse_unknown_columns(names, id_column=options.id, images=options.images, source=source.name)
    missing = tuple(_missing(names, options))
    if missing:
        return Preview(
            source.name,
            found,
            _columns(names, rows, options, {}),
            missing,
            CatalogReport(),
            whole=False,
        )
    with open_catalog(source, options) as catalog:
        outcomes = _judged(catalog, cut=cut)
        report = inspect(islice(outcomes, most))
        whole = not cut and next(outcomes, None) is None
        told = replace(options, id=catalog.columns.id, images=catalog.columns.images)
        columns = _columns(names, rows, told, catalog.payload or {})
    return Preview(source.name, found, columns, (), report, whole)


def _first_rows(
    source: Source, options: CatalogOptions
) -> tuple[Format, tuple[str, ...], list[Row]]:
    found, reader = open_reader(source, options.format, options.reading)
    rows: list[Row] = []
    try:
        # A file that breaks off is reported by the full read.
        with suppress(FileBrokenOff):
            for row in islice(reader.rows(), _LOOKED_AT):
                if isinstance(row, Row):
                    rows.append(row)  # noqa: PERF401 - what came before a break is kept
        return found, tuple(reader.names), rows
    finally:
        reader.close()


def _missing(names: Sequence[str], options: CatalogOptions) -> Iterator[Role]:
    if options.id is None and guess_id(names) is None:
        yield Role.ID
    if not options.images and not guess_images(names):
        yield Role.IMAGE


def _judged(
    outcomes: Iterable[CatalogItem | RejectedRow], *, cut: bool
) -> Iterator[CatalogItem | RejectedRow]:
    """Drop the last outcome if the file was cut: half a row says nothing about the whole one."""
    held: CatalogItem | RejectedRow | None = None
    for outcome in outcomes:
        if held is not None:
            yield held
        held = outcome
    if held is not None and not cut:
        yield held


def _columns(
    names: Sequence[str], rows: Sequence[Row], options: CatalogOptions, kinds: Mapping[str, str]
) -> tuple[PreviewColumn, ...]:
    key = options.id or guess_id(names)
    images = frozenset(options.images or guess_images(names))

    def role(name: str) -> Role:
        if name == key:
            return Role.ID
        return Role.IMAGE if name in images else Role.FIELD

    return tuple(
        PreviewColumn(name, role(name), kinds.get(name), _examples(name, rows)) for name in names
    )


def _examples(name: str, rows: Iterable[Row]) -> tuple[str, ...]:
    values = (_text(row.values.get(name)) for row in rows)
    return tuple(islice(dict.fromkeys(value for value in values if value), EXAMPLES))


def _text(value: Any) -> str:
    """Return a value as readable text, shortened to `EXAMPLE_CHARS`."""
    if value is None:
        return ""
    text = (value if isinstance(value, str) else _json(value)).strip()
    return text if len(text) <= EXAMPLE_CHARS else f"{text[: EXAMPLE_CHARS - 1]}…"


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:
        return str(value)  # an integer of more than 64 bits
