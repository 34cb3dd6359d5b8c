"""Parquet: rows in small batches, which a separate process decodes within a memory limit.

Parquet is read from its end, so a stream is copied into a temporary file first. A row's line is its number.
Raw bytes are left out: pictures are passed by URL, never as bytes (`producer.readers.embedded_pictures`). If a batch exceeds the memory limit, the
rows from there on are read in smaller batches, so that a value that is too large can be reported by its row and column,
as in every format. If even a single row exceeds the memory limit, reading stops there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from producer.decompression_limit import ROW_BYTES, DecompressionLimitExceeded
from producer.readers.base import ReadingOptions, look_ahead
from producer.readers.decoder_process import as_file
from producer.readers.embedded_pictures import EmbeddedPictures
from producer.readers.parquet_process import (
    MEMORY_BYTES,
    BrokenFile,
    DecoderProcess,
    OutOfMemory,
    SkippedRow,
)
from producer.row import Row
from producer.row_errors import FileBrokenOff, RowError, reason
from producer.source import OpenedSource
from producer.values.payload import flatten
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow

BATCH_ROWS = (1024, 16, 1)
"""Rows decoded per batch: the first size, then smaller ones if a batch takes too much memory."""


class ParquetRows:
    """The reader for Parquet, based on pyarrow."""

    typed = True

    def __init__(
        self,
        opened: OpenedSource,
        name: str,
        path: Path | None = None,
        reading: ReadingOptions | None = None,
    ) -> None:
        """Read the columns' names; raise `BadInput` if the file cannot be read, or if its pictures are bytes only."""
        if opened.compressed:
            raise BadInput(f"{name} is a packed Parquet file.", hint="Unpack it first.")
        self._name = name
        self._opened = opened
        self._bytes = as_file(opened, path)
        try:
            self._size = os.fstat(self._bytes.fileno()).st_size
            self._decoder = DecoderProcess(self._bytes, name, batch_rows=BATCH_ROWS[0])
        except BaseException:
            self._bytes.close()
            raise
        self._number = 0
        self.names = tuple(
            leaf for field in self._decoder.schema for leaf in _leaves(field.name, field.type)
        )
        self.notes: Sequence[str] = ()
        self._rows = self._read()
        try:
            self._leave_pictures_out(path, reading or ReadingOptions())
        except BaseException:
            self._decoder.close()
            self._bytes.close()
            raise

    def rows(self) -> Iterator[Row | RejectedRow]:
        """Yield every row."""
        return self._rows

    def _leave_pictures_out(self, path: Path | None, reading: ReadingOptions) -> None:
        """Choose between the names of pictures that are in the table itself and other columns with pictures."""
        pictures = EmbeddedPictures.among(
            self.names,
            self._decoder.bytes_left_out,
            self._name,
            None if path is None else path.parent,
        )
        if pictures is not None:
            sample, self._rows = look_ahead(self._rows)
            self.names, self.notes = pictures.names_to_read(self.names, sample, reading.named)

    def _read(self) -> Iterator[Row | RejectedRow]:
        for batch_rows in BATCH_ROWS:
            if batch_rows != BATCH_ROWS[0]:
                self._begin_again(batch_rows)
            try:
                yield from self._decoded()
                return
            except OutOfMemory:
                continue
        raise self._broken(
            f"it takes more than {MEMORY_BYTES // 2**20} MiB of memory, or is damaged"
        )

    def close(self) -> None:
        """Close the file and its copy."""
        self._decoder.close()
        self._bytes.close()
        self._opened.close()

    def _begin_again(self, batch_rows: int) -> None:
        self._decoder.close()
        self._decoder = DecoderProcess(
            self._bytes, self._name, batch_rows=batch_rows, skip=self._number
        )

    def _decoded(self) -> Iterator[Row | RejectedRow]:
        for found in self._decoder:
            if isinstance(found, BrokenFile):
                raise self._broken(found.why)
            if isinstance(found, SkippedRow):
                self._number += 1
                flaw = RowError(found.message, field=found.field, code="row_too_long")
                yield flaw.at(self._name, self._number)
            else:
                yield from self._rows_of(found)

    def _rows_of(self, batch: Any) -> Iterator[Row | RejectedRow]:
        try:
            self._opened.unfolding.add(batch.nbytes + ROW_BYTES * batch.num_rows, self._size)
        except DecompressionLimitExceeded as error:
            raise self._broken(reason(error)) from error
        share = batch.nbytes // max(batch.num_rows, 1)
        for values in batch.to_pylist():
            self._number += 1
            try:
                yield Row(self._number, flatten(values), share)
            except RowError as flaw:
                yield flaw.at(self._name, self._number)

    def _broken(self, why: str) -> FileBrokenOff:
        return FileBrokenOff(
            self._name, self._number + 1, f"the file cannot be read further: {why}"
        )


def _leaves(name: str, kind: Any) -> Iterator[str]:
    if not pa.types.is_struct(kind):
        yield name
        return
    for inner in kind:
        yield from _leaves(f"{name}.{inner.name}", inner.type)
