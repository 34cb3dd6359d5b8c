"""The reader's handle on the Parquet decoder: starts the process, optionally at a later row, and reads its batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from producer.limits import MAX_CELL_CHARS, MAX_ROW_CHARS
from producer.readers.decoder_process import DecoderHandle
from producer.readers.parquet_decoder import DecoderOptions
from vitrine.core.errors import BadInput

MEMORY_BYTES = 512 * 1024 * 1024
"""Memory of one decoder in addition to its libraries; catalogs of a million rows take a tenth of it."""
GROUP_VALUES = 64 * 1024 * 1024
"""Values of a list column in one row group: 64 pictures in each row of the largest row groups that writers make by default."""
_DECODER = Path(__file__).with_name("parquet_decoder.py")
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Arrow's bundled allocators reserve address space in advance, and the limit would count it."""


class OutOfMemory(Exception):
    """Raised if the decoder runs out of memory, or crashes on its input."""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that is too large to read."""

    message: str
    field: str | None


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """The end of a file that breaks off after the rows sent so far."""

    why: str


class DecoderProcess:
    """One running decoder process; close it after use."""

    def __init__(self, file: IO[bytes], name: str, *, batch_rows: int, skip: int = 0) -> None:
        """Start the process; raise `BadInput` if the file is not a readable Parquet file."""
        orders = DecoderOptions(
            MEMORY_BYTES, batch_rows, skip, MAX_CELL_CHARS, MAX_ROW_CHARS, GROUP_VALUES
        )
        self._process = DecoderHandle(_DECODER, orders, file, _ENVIRONMENT)
        try:
            self._stream = _opened(self._process.stream, name)
        except BaseException:
            self._process.close()
            raise

    @property
    def schema(self) -> Any:
        """The schema of the columns that are read, without dictionary types."""
        return self._stream.schema

    def __iter__(self) -> Iterator[Any | SkippedRow | BrokenFile]:
        """Yield record batches and the notes between them; raise `OutOfMemory`."""
        while True:
            try:
                batch, told = self._stream.read_next_batch_with_custom_metadata()
            except (pa.ArrowException, OSError, StopIteration) as error:
                raise OutOfMemory from error
            if told is None:
                yield batch
                continue
            note = json.loads(told[b"note"])
            if "end" in note:
                return
            if "memory" in note:
                raise OutOfMemory
            if "broken" in note:
                yield BrokenFile(note["broken"])
                return
            yield SkippedRow(note["flaw"], note["field"])

    def close(self) -> None:
        """End the process, even in the middle of the file."""
        self._stream.close()
        self._process.close()


def _opened(output: IO[bytes], name: str) -> Any:
    try:
        stream = pa.ipc.open_stream(output)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{name} is no Parquet file that can be read: it takes more than "
            f"{MEMORY_BYTES // 2**20} MiB of memory to open, or is damaged."
        ) from error
    told = stream.schema.metadata or {}
    if b"refused" in told:
        hint = told[b"hint"].decode() or None
        stream.close()
        raise BadInput(f"{name} {told[b'refused'].decode()}.", hint=hint)
    return stream
