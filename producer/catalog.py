"""An open catalog: yields its rows one by one, each as an item or as the reason for its rejection.

Reader -> columns -> validation -> duplicates. A row is dropped once the next one is read, so a catalog of
any length is read in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from producer.column_types import Kinds, kinds_of
from producer.columns import Columns, choose_columns
from producer.duplicate_ids import SeenIds
from producer.formats import Format
from producer.image_url import ImageRoot, image_root
from producer.presets import AUTO
from producer.readers import Reader, ReadingOptions, Row, open_reader
from producer.readers.base import look_ahead
from producer.readers.in_memory import InMemoryRows
from producer.row_errors import FileBrokenOff, RowError
from producer.source import Source
from producer.validate import Validator, cell_payload, typed_payload
from vitrine.core.errors import BadInput
from vitrine.core.types import CatalogItem, RejectedRow


@dataclass(frozen=True, slots=True)
class CatalogOptions:
    """The caller's options for reading a catalog; those left out are detected or guessed."""

    format: Format | None = None
    id: str | None = None
    images: tuple[str, ...] = ()
    payload: tuple[str, ...] | None = None  #: The fields to store; None for all others.
    image_separator: str | None = None
    image_root: str | None = None  #: A URL prefix or a folder; None for the catalog's own folder.
    preset: str = (
        AUTO  #: A platform's name in `producer.presets`, `auto` to recognise one, or `none`.
    )
    group_by: str | None = (
        None  #: The column whose equal values make rows one item; it is the id then.
    )
    encoding: str | None = None  #: A text file's encoding; None detects it.
    skip: int = 0  #: Lines above the header.
    row: str | None = None  #: XML: the element that is a row.
    allow_files: bool = (
        False  #: Whether pictures can be files: only the command line sets it, never HTTP.
    )

    places: tuple[str, ...] = ()
    """Without `allow_files`: the buckets and SFTP hosts that pictures can be named at besides http(s)."""

    @property
    def reading(self) -> ReadingOptions:
        """What the reader needs of these."""
        return ReadingOptions(encoding=self.encoding, skip=self.skip, row=self.row)


class Catalog:
    """An iterable of items and rejected rows, for one pass. `rows` counts the rows read; close it, or use it as a context manager."""

    def __init__(
        self,
        name: str,
        found: Format | None,
        reader: Reader,
        options: CatalogOptions,
        root: ImageRoot,
    ) -> None:
        self.name = name
        self.format = found
        self.columns: Columns = choose_columns(
            reader.names,
            id_column=options.id,
            images=options.images,
            payload=options.payload,
            source=name,
        )
        self.file_root = root.folder
        self.rows = 0
        self.payload: Kinds | None = None  #: Set once the first row is read.
        self._reader = reader
        self._root = root
        self._separator = options.image_separator

    def __iter__(self) -> Iterator[CatalogItem | RejectedRow]:
        """Yield items and rejected rows in the file's order.

        If a file breaks off in the middle (a truncated gzip, for example), the last outcome is a rejected row
        that says where. A file that cannot be read at all, or has no rows, raises `BadInput`.
        """
        with SeenIds() as seen:
            try:
                yield from self._outcomes(seen)
            except FileBrokenOff as error:
                if self.rows == 0:
                    raise
                yield error.as_problem()
        if self.rows == 0:
            raise BadInput(f"{self.name} holds no rows.")

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _outcomes(self, seen: SeenIds) -> Iterator[CatalogItem | RejectedRow]:
        rows, validator = self._prepare()
        name, make, first_line = self.name, validator.item, seen.first_line
        for row in rows:
            self.rows += 1
            if isinstance(row, RejectedRow):
                yield row
                continue
            try:
                item = make(row)
                if (first := first_line(item.id, row.line)) is not None:
                    raise self._duplicate(item.id, first)
            except RowError as flaw:
                yield flaw.at(name, row.line)
            else:
                yield item

    def _prepare(self) -> tuple[Iterator[Row | RejectedRow], Validator]:
        sample, rows = look_ahead(self._reader.rows())
        names = self._reader.names
        if self._reader.typed:
            payload_of = typed_payload(self.columns)
        else:
            payload_of = cell_payload(self.columns, names, sample)
        self.payload = kinds_of(self.columns.payload_of(names), sample, payload_of)
        return rows, Validator(self.columns, self._root, payload_of, self._separator)

    def _duplicate(self, item_id: str, first: int) -> RowError:
        return RowError(
            f"{item_id!r} was there before, at line {first}",
            field=self.columns.id,
            code="duplicate_id",
        )


def open_catalog(source: Source, options: CatalogOptions | None = None) -> Catalog:
    """Open a file, stream or folder; raise `BadInput` if it is not a catalog."""
    options = options or CatalogOptions()
    _check_separator(options.image_separator)
    root = _root(source.folder, options)
    found, reader = open_reader(source, options.format, options.reading)
    try:
        root = replace(root, must_exist=found is Format.URLS)
        return Catalog(source.name, found, reader, options, root)
    except BaseException:
        reader.close()
        raise


def catalog_of(
    objects: Iterable[Mapping[str, Any]],
    options: CatalogOptions | None = None,
    *,
    name: str = "request",
) -> Catalog:
    """Return a catalog of objects in memory, such as the items of an HTTP body."""
    options = options or CatalogOptions()
    reader = InMemoryRows(objects, name)
    return Catalog(name, None, reader, options, _root(None, options))


def _check_separator(separator: str | None) -> None:
    if separator == "":
        raise BadInput(
            "An image separator without a character was given.",
            hint="Give at least one character, or leave it out.",
        )


def _root(folder: Path | None, options: CatalogOptions) -> ImageRoot:
    return image_root(
        options.image_root, folder, allow_files=options.allow_files, places=options.places
    )
