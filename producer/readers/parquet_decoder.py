"""A separate process that decodes one Parquet file: the file on standard input, an Arrow stream on standard output.

Parquet decompresses without limit: a dictionary stores a value of megabytes once and references it in every row, a run
of a few bytes is a billion nulls, and neither the footer nor the pages can be trusted. So it is decoded in a process with
a memory limit (on Linux; elsewhere only the footer's claims are checked), in which a crash of the decoder harms nothing
else. The output is bounded: no value above the cell limit, no row above the row limit, at most `MESSAGE_BYTES` per message.

`decoder_launcher` runs it. Between the batches it sends empty ones whose metadata holds a `note` as JSON: a row was left
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

BUFFER_BYTES = 1024 * 1024
MESSAGE_BYTES = 8 * 1024 * 1024
SCALAR_BYTES = 16
"""Bytes counted for a number, a date or an entry in a list."""


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
            columns = readable_columns(file.schema_arrow)
            refuse_overlong_lists(file, columns, orders.group_values)
        except (FileRefused, pa.ArrowException, OSError) as error:
            _refuse(sink, error)
            return
        BatchWriter(sink, file, columns, orders).send_all()


class FileRefused(Exception):
    """Raised if the footer alone shows that the file cannot be read; holds the reason and a hint."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint


def readable_columns(schema: Any) -> list[str]:
    """Return the names of the columns that are not raw bytes; raise `FileRefused` if two have the same name."""
    doubled = [column for column, times in Counter(schema.names).items() if times > 1]
    if doubled:
        raise FileRefused(f"has more than one column {', '.join(map(_quoted, doubled))}")
    return [field.name for field in schema if not _holds_bytes(field.type)]


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

    def __init__(self, sink: Any, file: Any, columns: list[str], orders: DecoderOptions) -> None:
        self._file = file
        self._columns = columns
        self._orders = orders
        self._schema = pa.schema(
            field.with_type(dense(field.type)).remove_metadata()
            for field in map(file.schema_arrow.field, columns)
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
            self._orders.batch_rows, row_groups=groups, columns=self._columns, use_threads=False
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


def weights(array: Any) -> NDArray[np.int64]:
    """Return the decoded bytes of each value, [n]; a value stored once in a dictionary counts wherever it is referenced."""
    kind, types = array.type, pa.types
    if types.is_dictionary(kind):
        each = np.append(weights(array.dictionary), 0)  # the last entry is the weight of a null
        return _int64(each[_numbers(pc.fill_null(array.indices.cast(pa.int64()), -1))])
    if types.is_struct(kind):
        inner = [weights(array.field(place)) for place in range(kind.num_fields)]
        return _int64(np.sum([np.full(len(array), SCALAR_BYTES, np.int64), *inner], axis=0))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        return _weights_listed(array)
    if types.is_fixed_size_list(kind):
        parts = weights(array.values.slice(array.offset * kind.list_size))
        return _int64(parts[: len(array) * kind.list_size].reshape(len(array), -1).sum(axis=1))
    if _holds_text(kind):
        return _numbers(pc.fill_null(pc.binary_length(array), 0)) + SCALAR_BYTES
    return np.full(len(array), SCALAR_BYTES, np.int64)


def _weights_listed(array: Any) -> NDArray[np.int64]:
    ends = _numbers(array.offsets)
    inner = weights(array.values.slice(ends[0], ends[-1] - ends[0]))
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(inner)])
    places = ends - ends[0]
    return _int64(sums[places[1:]] - sums[places[:-1]] + SCALAR_BYTES)


def _numbers(array: Any) -> NDArray[np.int64]:
    return _int64(array.to_numpy(zero_copy_only=False))


def _int64(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)


def dense(kind: Any) -> Any:
    """Return the type without dictionaries, so that the output repeats values instead of referencing them."""
    types = pa.types
    if types.is_dictionary(kind):
        return dense(kind.value_type)
    if types.is_list(kind) and _named_twice(kind):
        return pa.list_(kind.value_field.with_type(dense(kind.value_type)))
    if types.is_struct(kind) and _named_twice(kind):
        return pa.struct([field.with_type(dense(field.type)) for field in kind])
    return kind


def _named_twice(kind: Any) -> bool:
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    return any(pa.types.is_dictionary(each) or _named_twice(each) for each in inner)


def _holds_bytes(kind: Any) -> bool:
    types = pa.types
    return any(
        is_one(kind)
        for is_one in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    )


def _holds_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or _holds_bytes(kind)


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
