"""An open catalog: yields its rows one by one, each as an item or as the reason for its rejection.

Reader -> columns -> validation -> duplicates. A row is dropped once the next one is read, so a catalog of
any length is read in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from producer.any_id import FirstLine, ItemOf, accepting_any_id
from producer.columns import Columns, choose_columns
from producer.duplicate_ids import SeenIds
from producer.following_rows import FollowingRows
from producer.formats import Format
from producer.image_url import ImageRoot, image_root
from producer.images.names import PictureNames
from producer.limits import MAX_TEXT_CHARS
from producer.presets import AUTO, NO_PRESET, PRESETS, Preset, recognise
from producer.readers import Reader, ReadingOptions, open_reader
from producer.readers.base import look_ahead
from producer.readers.in_memory import InMemoryRows
from producer.row import Row
from producer.row_errors import FileBrokenOff, RowError
from producer.row_groups import MAX_APART, RowGroup, RowGroups, RowsUntilBreak
from producer.source import Source
from producer.validate import Validator
from producer.values.column_types import Kinds, kinds_of
from producer.values.doubts import Doubts
from producer.values.row_payload import cell_payload, typed_payload
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
    row: str | None = None  #: XML and JSON: the path of a row. Workbooks: the sheet.
    allow_files: bool = False
    """Whether pictures can be files beneath the catalog's folder: for the command line, and for a zip of pictures over HTTP."""
    check_files: bool = False
    """Whether to note pictures that are neither URLs nor files: a dry run does."""
    any_id: bool = False  #: Whether rows may share an id or have none; each is an item then.
    places: tuple[str, ...] | None = ()
    """Buckets and SFTP hosts that pictures can be named at, besides http(s) URLs; None, for the command line: any."""

    @property
    def reading(self) -> ReadingOptions:
        """What the reader needs of these."""
        id_column = self.group_by or self.id
        named = (*([id_column] if id_column else []), *self.images)
        return ReadingOptions(encoding=self.encoding, skip=self.skip, named=named, row=self.row)


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
        self.preset = choose_preset(reader.names, options.preset)
        self._preset = preset = PRESETS[self.preset] if self.preset is not None else None
        self._root_is_guessed = options.image_root is None
        self.columns: Columns = choose_columns(
            reader.names,
            id_column=options.group_by or options.id,
            images=options.images,
            payload=options.payload,
            preset=preset,
            needs_id=not options.any_id,
            source=name,
        )
        self.grouped = options.group_by is not None or _is_grouped(preset, options)
        self._follows = (
            FollowingRows.of(reader.names, preset, self.columns.id) if self.grouped else None
        )
        self.file_root = root.folder
        self.rows = 0
        self.payload: Kinds | None = None  #: Set once the first row is read.
        self.stored_as: Mapping[str, str] = {}  #: Fields stored under another name than the file's.
        self._reader = reader
        self._doubts = Doubts(lambda: self.rows)
        self._picture_names = PictureNames(root, self._doubts) if options.check_files else None
        self._root = root
        self._separator = options.image_separator
        self._any_id = options.any_id

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

    def notes(self) -> list[str]:
        """What was detected, skipped or doubtful, one sentence each; complete once every row was read."""
        notes = [*self._reader.notes, *self._doubts.notes(MAX_TEXT_CHARS)]
        if self._picture_names is not None:
            notes += self._picture_names.notes()
        if self._preset is not None and self._preset.image_root and self._root_is_guessed:
            notes.append(
                f"The pictures of {self._preset.title} are paths; the image root is usually {self._preset.image_root}."
            )
        return notes

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
        if self.grouped:
            yield from self._grouped(rows, validator, seen)
            return
        name = self.name
        make: ItemOf = validator.item
        first_line: FirstLine = seen.first_line
        if self._any_id:
            make, first_line = accepting_any_id(make, self.columns.id)
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

    def _grouped(
        self, rows: Iterator[Row | RejectedRow], validator: Validator, seen: SeenIds
    ) -> Iterator[CatalogItem | RejectedRow]:
        groups, unbroken = RowGroups(), RowsUntilBreak(rows)
        for row in unbroken:
            self.rows += 1
            if isinstance(row, RejectedRow):
                yield row
                continue
            try:
                item = validator.item(row if self._follows is None else self._follows.row(row))
                first = None if item.id in groups else seen.first_line(item.id, row.line)
                if first is not None:
                    raise self._too_far_apart(item.id, first)
            except RowError as flaw:
                yield flaw.at(self.name, row.line)
            else:
                yield from map(self._merged, groups.add(item, row.line))
        yield from map(self._merged, groups.rest())
        unbroken.raise_break()

    def _merged(self, group: RowGroup) -> CatalogItem | RejectedRow:
        try:
            return group.merged(", ".join(self.columns.images), self._doubts)
        except RowError as flaw:
            return flaw.at(self.name, group.line)

    def _prepare(self) -> tuple[Iterator[Row | RejectedRow], Validator]:
        sample, rows = look_ahead(self._reader.rows())
        names = self._reader.names
        read = typed_payload if self._reader.typed else cell_payload
        payload = read(self.columns, names, sample, self._doubts)
        self.payload, self.stored_as = kinds_of(payload, sample), payload.stored_as
        return rows, Validator(
            self.columns, self._root, payload.of, self._doubts, self._separator,
            needs_picture=not self.grouped, checked=self._picture_names,
        )  # fmt: skip

    def _duplicate(self, item_id: str, first: int) -> RowError:
        return RowError(
            f"{item_id!r} was there before, at line {first}; to merge the rows of one item, group by "
            f"{self.columns.id!r} (--group-by, over HTTP group_by)",
            field=self.columns.id,
            code="duplicate_id",
        )

    def _too_far_apart(self, item_id: str, first: int) -> RowError:
        return RowError(
            f"{item_id!r} was there before, at line {first}, more than {MAX_APART:,} rows above; "
            f"sort the file by {self.columns.id!r} to merge them",
            field=self.columns.id,
            code="duplicate_id",
        )


def choose_preset(names: Sequence[str], wanted: str) -> str | None:
    """Return the name of the platform that a file is read for: the one wanted, or the one recognised; None for none."""
    if wanted == AUTO:
        return recognise(names)
    return None if wanted == NO_PRESET else wanted


def _is_grouped(preset: Preset | None, options: CatalogOptions) -> bool:
    """Whether the platform's rows are merged: not by another id than its own, which names the rows one by one."""
    return preset is not None and preset.grouped and options.id is None


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
