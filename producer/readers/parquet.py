"""Parquet: rows in small batches, column chunks read through a buffer, so that no row group is whole in memory.

Parquet is read from its end, so a stream is copied into a temporary file first. A row's line is its number.
Columns of bytes are left out: a picture is named by its URL, its bytes do not travel.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from producer.payload import flatten
from producer.problem import BrokenOff, Flaw, reason, shown
from producer.readers.base import Row
from producer.source import Opened
from vitrine.contracts import RowProblem
from vitrine.errors import BadInput

BATCH_ROWS = 1024
BUFFER_BYTES = 1024 * 1024


class ParquetRows:
    """The reader of Parquet, standing on pyarrow."""

    typed = True

    def __init__(self, opened: Opened, name: str, path: Path | None = None) -> None:
        if opened.compressed:
            raise BadInput(f"{name} is Parquet within gzip.", hint="Unpack it first: gunzip FILE.")
        self._name = name
        self._opened = opened
        self._bytes = _seekable(opened.stream, path)
        try:
            self._file = _open(self._bytes, name)
            self._columns, self.names = _columns(self._file.schema_arrow, name)
        except BaseException:
            self._bytes.close()
            raise

    def rows(self) -> Iterator[Row | RowProblem]:
        """Every row."""
        number = 0
        for batch in self._batches():
            share = batch.nbytes // max(batch.num_rows, 1)
            for values in batch.to_pylist():
                number += 1
                try:
                    yield Row(number, flatten(values), share)
                except Flaw as flaw:
                    yield flaw.at(self._name, number)

    def close(self) -> None:
        """Close the file and its copy."""
        self._file.close()
        self._bytes.close()
        self._opened.close()

    def _batches(self) -> Iterator[Any]:
        read = 0
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=self._columns):
                yield batch
                read += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            why = f"the file cannot be read further: {reason(error)}"
            raise BrokenOff(self._name, read + 1, why) from error


def _seekable(stream: IO[bytes], path: Path | None) -> IO[bytes]:
    if path is not None:
        return path.open("rb")
    copy: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the reader
    shutil.copyfileobj(stream, copy, BUFFER_BYTES)
    return copy


def _open(file: IO[bytes], name: str) -> Any:
    try:
        return pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{name} is no Parquet file that can be read: {reason(error)}.") from error


def _columns(schema: Any, name: str) -> tuple[list[str], tuple[str, ...]]:
    """Which columns to read, and their flattened names."""
    doubled = [column for column, times in Counter(schema.names).items() if times > 1]
    if doubled:
        raise BadInput(f"{name} has more than one column {', '.join(map(shown, doubled))}.")
    kept = [field for field in schema if not _holds_bytes(field.type)]
    return [field.name for field in kept], tuple(
        leaf for field in kept for leaf in _leaves(field.name, field.type)
    )


def _leaves(name: str, kind: Any) -> Iterator[str]:
    if not pa.types.is_struct(kind):
        yield name
        return
    for inner in kind:
        yield from _leaves(f"{name}.{inner.name}", inner.type)


def _holds_bytes(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )
