"""Readers: each reads one format as rows with line numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from producer.formats import Format, detect
from producer.readers.base import Noted, Reader, ReadingOptions
from producer.readers.csv_rows import CsvRows
from producer.readers.folder import FolderRows
from producer.readers.json_document import JsonDocument
from producer.readers.json_lines import JsonLines
from producer.readers.url_list import UrlList
from producer.readers.xml_rows import XmlRows
from producer.row import Row
from producer.source import OpenedSource, Source
from vitrine.core.errors import BadInput, VitrineError

__all__ = ["Reader", "ReadingOptions", "Row", "open_reader"]


def open_reader(
    source: Source, told: Format | None = None, reading: ReadingOptions | None = None
) -> tuple[Format, Reader]:
    """Open a source in its format; raise `BadInput` if it is not a catalog."""
    if source.path is not None and source.path.is_dir():
        if told not in (None, Format.FOLDER):
            raise BadInput(f"{source.name} is a folder, but was to be read as {told}.")
        return Format.FOLDER, FolderRows(source.path, source.name)
    opened = source.open()
    try:
        reading = reading or ReadingOptions()
        found = detect(source, opened, told, reading.encoding)
        reader = READERS[found](opened, source, reading)
        return found, Noted(reader, opened.notes) if opened.notes else reader
    except BaseException:
        opened.close()
        raise


def _workbook(opened: OpenedSource, source: Source, reading: ReadingOptions) -> Reader:
    try:
        # Imported here, because only workbooks need it.
        from producer.readers.workbook_rows import WorkbookRows  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _not_installed("Workbooks need python-calamine") from error
    return WorkbookRows(opened, source.name, source.path, reading)


def _parquet(opened: OpenedSource, source: Source, reading: ReadingOptions) -> Reader:
    try:
        # Imported here, because pyarrow takes 0.3 s and 60 MB that no other format needs.
        from producer.readers.parquet import ParquetRows  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _not_installed("Parquet needs pyarrow") from error
    return ParquetRows(opened, source.name, source.path, reading)


def _not_installed(what: str) -> VitrineError:
    return VitrineError(
        f"{what}, which is not installed.", hint="Install vitrine with its extra `producer`."
    )


READERS: Mapping[Format, Callable[[OpenedSource, Source, ReadingOptions], Reader]] = {
    Format.CSV: lambda opened, source, reading: CsvRows(opened, source.name, None, reading),
    Format.TSV: lambda opened, source, reading: CsvRows(opened, source.name, "\t", reading),
    Format.JSONL: lambda opened, source, reading: JsonLines(opened, source.name, reading.encoding),
    Format.JSON: lambda opened, source, reading: JsonDocument(opened, source.name, reading),
    Format.PARQUET: _parquet,
    Format.XLSX: _workbook,
    Format.URLS: lambda opened, source, reading: UrlList(opened, source.name, reading.encoding),
    Format.XML: lambda opened, source, reading: XmlRows(opened, source.name, reading),
}
"""The reader of each file format; a folder is not opened as a file."""
