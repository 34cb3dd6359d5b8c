"""A process of its own that decodes one Parquet file: file on standard input, Arrow's stream on standard output.

Parquet unfolds without end: a dictionary holds a value of megabytes once and names it in every row, a run of a
few bytes is a billion nulls, and both the footer and the pages may say what they like. So it is decoded where a
limit of memory stands (on Linux; elsewhere only what the footer says is checked) and where a fault of the decoder
costs nobody else. What leaves here is small: no value above a cell's bound, no row above a row's, and at most
`MESSAGE_BYTES` at once.

It is run by its path, isolated from the environment, and imports nothing of vitrine, so that it starts in a
quarter of a second. Beside batches it sends empty ones whose metadata tells, as JSON under `note`, of a row that is
left out (`flaw`), of the end (`end`), of a file that breaks off (`broken`) or of memory that did not suffice (`memory`).
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
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
"""What a number, a date or a place in a list counts."""


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """What the reader asks for; `skip` rows were sent before by a process that came to its end."""

    memory_bytes: int
    batch_rows: int
    skip: int
    cell_bytes: int
    row_bytes: int
    group_values: int


def main(orders: DecoderOptions) -> None:
    """Decode standard input to standard output."""
    limit_memory(orders.memory_bytes)
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


def limit_memory(spare: int) -> None:
    """Let this process take so many bytes beside what it has; nothing where the system cannot tell what it has."""
    with suppress(OSError, ImportError):
        import resource  # noqa: PLC0415 - not on every system

        with open("/proc/self/statm", encoding="ascii") as told:
            pages = int(told.read().split()[0])
        most = pages * resource.getpagesize() + spare
        before = resource.getrlimit(resource.RLIMIT_AS)[1]
        if before == resource.RLIM_INFINITY or before > most:
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


class FileRefused(Exception):
    """Raised where the footer alone says that the file is not read; what was wrong, and what to do."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint


def readable_columns(schema: Any) -> list[str]:
    """The columns that are no raw bytes."""
    doubled = [column for column, times in Counter(schema.names).items() if times > 1]
    if doubled:
        raise FileRefused(f"has more than one column {', '.join(map(_quoted, doubled))}")
    return [field.name for field in schema if not _holds_bytes(field.type)]


def refuse_overlong_lists(file: Any, columns: list[str], group_values: int) -> None:
    """Raise `FileRefused` where a row group has so many values of a list that one row of it could fill the memory."""
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
    """Batches on their way out, each cut to what the reader can take."""

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
        """Every row, then how it ended."""
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
        """The row groups after those that were sent whole, and the rows of these."""
        metadata, rows = self._file.metadata, 0
        for group in range(metadata.num_row_groups):
            after = rows + metadata.row_group(group).num_rows
            if after > self._orders.skip:
                return list(range(group, metadata.num_row_groups)), rows
            rows = after
        return [], rows

    def _send(self, batch: Any) -> None:
        """A batch in as many pieces as it takes, without the rows that are too large."""
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
            if not pa.types.is_struct(field.type):  # an object's parts count with the row
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
        """The rows from `begin` to before `end`, at most `MESSAGE_BYTES` at once."""
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
    """Bytes of each value as it will be read, [n]: a value that a dictionary holds once counts wherever it is named."""
    kind, types = array.type, pa.types
    if types.is_dictionary(kind):
        each = np.append(weights(array.dictionary), 0)  # the last is what no value weighs
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
    """The type without dictionaries: what leaves here names no value twice."""
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


if __name__ == "__main__":
    main(DecoderOptions(**json.loads(sys.argv[1])))
