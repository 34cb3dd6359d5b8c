"""A preview of a catalog before it is submitted: its columns, the role of each, and the first problems in its first rows.

Nothing is sent or stored. The file is opened twice: once for example values of each column, which are shown even if
no column is known for the id or the pictures, and once to be read as a submit would read it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from producer.catalog import CatalogOptions, choose_preset, open_catalog
from producer.columns import Columns, guess_id, guess_images, refuse_unknown_columns
from producer.formats import Format
from producer.presets import PRESETS
from producer.readers import open_reader
from producer.report import CatalogReport
from producer.row import Row
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
    LEFT_OUT = "left_out"  #: Not stored: a smaller copy of the pictures, in a platform's export.
    FIELD = "field"  #: Stored with the item; filters and hits show it.


@dataclass(frozen=True, slots=True)
class PreviewColumn:
    """One column; `kind` as `producer.values.column_types` names it, None if the rows were not validated."""

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
    preset: str | None  #: The platform whose export it is, by its name in `producer.presets`.
    grouped: bool  #: Whether rows with one id are merged.
    notes: tuple[str, ...]  #: What was detected, skipped or doubtful.
    missing: tuple[Role, ...]  #: Roles without a column; if any, no row is validated.
    report: CatalogReport
    whole: bool  #: Whether the report covers every row.

    @property
    def image_root(self) -> str:
        """What the image root usually is for the platform, if its pictures are paths; else empty."""
        return "" if self.preset is None else PRESETS[self.preset].image_root


def preview(
    source: Source, options: CatalogOptions, *, most: int = PREVIEW_ROWS, cut: bool = False
) -> Preview:
    """Validate the first `most` rows; with `cut` the bytes are the start of a longer file, and the last row is ignored.

    The source has to allow a second opening. Raises `BadInput` if it is not a catalog, or if a column named in
    the options does not exist.
    """
    start = _first_rows(source, options)
    names, preset = start.names, choose_preset(start.names, options.preset)
    id_column = options.group_by or options.id
    refuse_unknown_columns(names, id_column=id_column, images=options.images, source=source.name)
    platform = None if preset is None else PRESETS[preset]
    chosen = Columns(
        id_column or guess_id(names, platform) or "",
        options.images or guess_images(names, platform),
    )
    missing = tuple(_missing(chosen))
    if missing:
        columns = _columns(names, start.rows, chosen, {})
        return Preview(
            source.name, start.format, columns, preset, grouped=False, notes=start.notes,
            missing=missing, report=CatalogReport(), whole=False,
        )  # fmt: skip
    with open_catalog(source, options) as catalog:
        outcomes = _judged(catalog, cut=cut)
        report = inspect(islice(outcomes, most))
        whole = not cut and next(outcomes, None) is None
        kinds = catalog.payload or {}
        kinds = {**kinds, **{name: kinds[stored] for name, stored in catalog.stored_as.items()}}
        columns = _columns(names, start.rows, catalog.columns, kinds)
        return Preview(
            source.name, start.format, columns, catalog.preset, grouped=catalog.grouped,
            notes=tuple(catalog.notes()), missing=(), report=report, whole=whole,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Start:
    """The first rows of a catalog, before any column has a role."""

    format: Format
    names: tuple[str, ...]
    notes: tuple[str, ...]
    rows: list[Row]


def _first_rows(source: Source, options: CatalogOptions) -> _Start:
    found, reader = open_reader(source, options.format, options.reading)
    rows: list[Row] = []
    try:
        # A file that breaks off is reported by the full read.
        with suppress(FileBrokenOff):
            for row in islice(reader.rows(), _LOOKED_AT):
                if isinstance(row, Row):
                    rows.append(row)  # noqa: PERF401 - what came before a break is kept
        return _Start(found, tuple(reader.names), tuple(reader.notes), rows)
    finally:
        reader.close()


def _missing(columns: Columns) -> Iterator[Role]:
    if not columns.id:
        yield Role.ID
    if not columns.images:
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
    names: Sequence[str],
    rows: Sequence[Row],
    columns: Columns,
    kinds: Mapping[str, str],
) -> tuple[PreviewColumn, ...]:
    def role(name: str) -> Role:
        if name == columns.id:
            return Role.ID
        if name in columns.images:
            return Role.IMAGE
        return Role.LEFT_OUT if name in columns.left_out else Role.FIELD

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
