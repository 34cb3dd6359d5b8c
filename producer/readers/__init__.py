"""Readers: each reads one format as rows with line numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from producer.formats import Format, detect
from producer.readers.base import Reader, ReadingOptions, Row
from producer.readers.csv_rows import CsvRows
from producer.readers.folder import FolderRows
from producer.readers.json_document import JsonDocument
from producer.readers.json_lines import JsonLines
from producer.readers.url_list import UrlList
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
        found = detect(source, opened, told)
        return found, READERS[found](opened, source, reading or ReadingOptions())
    except BaseException:
        opened.close()
        raise


def _parquet(opened: OpenedSource, source: Source, _: ReadingOptions) -> Reader:
    try:
        # Imported here, because pyarrow takes 0.3 s and 60 MB that no other format needs.
        from producer.readers.parquet import ParquetRows  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise VitrineError(
            "Parquet needs pyarrow, which is not installed.",
            hint="Install vitrine with its extra `producer`.",
        ) from error
    return ParquetRows(opened, source.name, source.path)


READERS: Mapping[Format, Callable[[OpenedSource, Source, ReadingOptions], Reader]] = {
    Format.CSV: lambda opened, source, _: CsvRows(opened, source.name, None),
    Format.TSV: lambda opened, source, _: CsvRows(opened, source.name, "\t"),
    Format.JSONL: lambda opened, source, _: JsonLines(opened, source.name),
    Format.JSON: lambda opened, source, reading: JsonDocument(opened, source.name, reading),
    Format.PARQUET: _parquet,
    Format.URLS: lambda opened, source, _: UrlList(opened, source.name),
}
"""The reader of each file format; a folder is not opened as a file."""
