"""A separate process that decodes one Parquet file: the file on standard input, an Arrow stream on standard output.

Parquet decompresses without limit: a dictionary stores a value of megabytes once and references it in every row, a run
of a few bytes is a billion nulls, and neither the footer nor the pages can be trusted. So it is decoded in a process with
a memory limit (on Linux; elsewhere only the footer's claims are checked), in which a crash of the decoder harms nothing
else. The output is bounded: no value above the cell limit, no row above the row limit, at most `MESSAGE_BYTES` per message.

`decoder_launcher` runs it; of vitrine it imports the types of columns only. Between the batches it sends empty ones whose metadata holds a `note` as JSON: a row was left
out (`flaw`), all rows were sent (`end`), the file breaks off (`broken`) or memory ran out (`memory`).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from producer.readers.parquet_types import (
    dense,
    leaves_kept,
    names_of_bytes,
    weights,
    without_bytes,
)

BUFFER_BYTES = 1024 * 1024
MESSAGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """The reader's options; `skip` is the number of rows that an earlier process has already sent."""

    memory_bytes: int
    batch_rows: int
    skip: int
    cell_bytes: int
    row_bytes: int
    group_values: int


def main(orders: DecoderOptions) -> None:
    """Decode standard input to standard output."""
    with os.fdopen(1, "wb") as sink:
        try:
            file = pq.ParquetFile(
                os.fdopen(0, "rb", closefd=False), buffer_size=BUFFER_BYTES, pre_buffer=False
            )
            columns = readable(file)
            refuse_overlong_lists(file, columns.schema.names, orders.group_values)
        except (FileRefused, pa.ArrowException, OSError) as error:
            _refuse(sink, error)
            return
        BatchWriter(sink, file, columns, orders).send_all()


class FileRefused(Exception):
    """Raised if the footer alone shows that the file cannot be read; holds the reason and a hint."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Readable:
    """What is read of a file: its columns without raw bytes, the paths of their leaves, and the names of the bytes left out."""

    schema: Any
    leaves: list[str]
    left_out: list[str]


def readable(file: Any) -> Readable:
    """Return what is not raw bytes; raise `FileRefused` if two columns have the same name."""
    schema = file.schema_arrow
    doubled = [column for column, times in Counter(schema.names).items() if times > 1]
    if doubled:
        raise FileRefused(f"has more than one column {', '.join(map(_quoted, doubled))}")
    kept = [
        field.with_type(kind).remove_metadata()
        for field in schema
        if (kind := without_bytes(field.type)) is not None
    ]
    is_kept = [each for field in schema for each in leaves_kept(field.type)]
    leaves = [
        file.schema.column(place).path
        for place in range(file.metadata.num_columns)
        if place < len(is_kept) and is_kept[place]
    ]
    left_out = [name for field in schema for name in names_of_bytes(field.name, field.type)]
    return Readable(pa.schema(kept), leaves, left_out)


def refuse_overlong_lists(file: Any, columns: list[str], group_values: int) -> None:
    """Raise `FileRefused` if a list column has so many values in one row group that a single row could fill the memory."""
    kept = frozenset(columns)
    schema, metadata = file.schema, file.metadata
    lists = [
        place
        for place in range(metadata.num_columns)
        if schema.column(place).max_repetition_level
        and schema.column(place).path.partition(".")[0] in kept
    ]
    for group in range(metadata.num_row_groups if lists else 0):
        told = metadata.row_group(group)
        for place in lists:
            values = told.column(place).num_values
            if values > group_values:
                path = schema.column(place).path
                raise FileRefused(
                    f"has {values:,} values of the column {_quoted(path)} in its row group {group + 1}, "
                    f"of {told.num_rows:,} rows; at most {group_values:,} are read",
                    "Write it in smaller row groups.",
                )


class BatchWriter:
    """Writes batches to the output, each cut to a size that the reader accepts."""

    def __init__(self, sink: Any, file: Any, columns: Readable, orders: DecoderOptions) -> None:
        self._file = file
        self._leaves = columns.leaves
        self._orders = orders
        self._schema = pa.schema(
            [field.with_type(dense(field.type)) for field in columns.schema],
            metadata={"bytes": json.dumps(columns.left_out)},
        )
        self._writer = pa.ipc.new_stream(sink, self._schema)
        self._read = 0

    def send_all(self) -> None:
        """Send every row, then a note on how the file ended."""
        try:
            for batch in self._batches():
                self._send(batch)
        except MemoryError:
            self._note(memory=True)
        except (pa.ArrowException, OSError) as error:
            self._note(broken=_reason(error))
        else:
            self._note(end=True)
        self._writer.close()

    def _batches(self) -> Iterator[Any]:
        groups, before = self._groups_left()
        self._read = before
        for batch in self._file.iter_batches(
            self._orders.batch_rows, row_groups=groups, columns=self._leaves, use_threads=False
        ):
            passed = min(max(self._orders.skip - self._read, 0), batch.num_rows)
            self._read += passed
            if passed < batch.num_rows:
                yield batch.slice(passed)

    def _groups_left(self) -> tuple[list[int], int]:
        """Return the row groups not yet sent in full, and the number of rows before them."""
        metadata, rows = self._file.metadata, 0
        for group in range(metadata.num_row_groups):
            after = rows + metadata.row_group(group).num_rows
            if after > self._orders.skip:
                return list(range(group, metadata.num_row_groups)), rows
            rows = after
        return [], rows

    def _send(self, batch: Any) -> None:
        """Send a batch in as many pieces as needed, without the rows that are too large."""
        columns = [weights(column) for column in batch.columns]
        rows = np.sum(columns, axis=0) if columns else np.zeros(batch.num_rows, np.int64)
        begin = 0
        for row in self._too_large(batch.schema, columns, rows):
            self._send_pieces(batch, rows, begin, row)
            self._note(**self._flaw(batch.schema, columns, row))
            self._read += 1
            begin = row + 1
        self._send_pieces(batch, rows, begin, batch.num_rows)

    def _too_large(
        self, schema: Any, columns: list[NDArray[np.int64]], rows: NDArray[np.int64]
    ) -> list[int]:
        large = rows > self._orders.row_bytes
        for field, column in zip(schema, columns, strict=True):
            if not pa.types.is_struct(field.type):  # an object's parts count towards the row
                large |= column > self._orders.cell_bytes
        return [int(row) for row in np.flatnonzero(large)]

    def _flaw(
        self, schema: Any, columns: list[NDArray[np.int64]], row: int
    ) -> dict[str, str | int | None]:
        bound = self._orders.cell_bytes
        heaviest = max(range(len(columns)), key=lambda place: columns[place][row])
        size = int(columns[heaviest][row])
        if size > bound and not pa.types.is_struct(schema.types[heaviest]):
            why = f"a value of {size:,} bytes; at most {bound:,} are read"
            return {"flaw": why, "field": schema.names[heaviest]}
        return {"flaw": f"the row is longer than {self._orders.row_bytes:,} bytes", "field": None}

    def _send_pieces(self, batch: Any, rows: NDArray[np.int64], begin: int, end: int) -> None:
        """Send the rows from `begin` up to but not including `end`, at most `MESSAGE_BYTES` at a time."""
        while begin < end:
            sizes = np.cumsum(rows[begin:end])
            count = max(1, int(np.searchsorted(sizes, MESSAGE_BYTES, side="right")))
            self._writer.write_batch(self._dense(batch.slice(begin, count)))
            self._read += count
            begin += count

    def _dense(self, batch: Any) -> Any:
        columns = [
            column if column.type == kind else pc.cast(column, kind)
            for column, kind in zip(batch.columns, self._schema.types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _note(self, **words: str | int | None) -> None:
        empty = pa.RecordBatch.from_pylist([], schema=self._schema)
        self._writer.write_batch(empty, custom_metadata={"note": json.dumps(words)})


def _refuse(sink: Any, error: Exception) -> None:
    told = str(error) if isinstance(error, FileRefused) else ""
    why = told or f"is no Parquet file that can be read: {_reason(error)}"
    metadata = {"refused": why, "hint": getattr(error, "hint", None) or ""}
    pa.ipc.new_stream(sink, pa.schema([], metadata=metadata)).close()


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(" .:")


def _quoted(name: str) -> str:
    return repr(name[:60])
