"""The reader's handle on the Parquet decoder: starts the process, optionally at a later row, and ends it.

At most `AT_ONCE` decoders run at the same time and the next one waits, so that many uploads cannot multiply the
memory that one may take.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from producer.limits import MAX_CELL_CHARS, MAX_ROW_CHARS
from producer.readers.parquet_decoder import DecoderOptions
from vitrine.core.errors import BadInput

MEMORY_BYTES = 512 * 1024 * 1024
"""Memory of one decoder in addition to its libraries; catalogs of a million rows take a tenth of it."""
GROUP_VALUES = 64 * 1024 * 1024
"""Values of a list column in one row group: 64 pictures in each row of the largest row groups that writers make by default."""
AT_ONCE = 4
_turns = threading.BoundedSemaphore(AT_ONCE)
_DECODER = Path(__file__).with_name("parquet_decoder.py")
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZDIR")
"""Environment variables that are passed on; the rest, passwords included, is kept from a process that reads untrusted files."""


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
        _turns.acquire()
        try:
            self._process = _start(file, batch_rows, skip)
            try:
                self._stream = _opened(self._process, name)
            except BaseException:
                self._end()
                raise
        except BaseException:
            _turns.release()
            raise
        self._closed = False

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
        if not self._closed:
            self._closed = True
            try:
                self._stream.close()
                self._end()
            finally:
                _turns.release()

    def _end(self) -> None:
        self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()


def _start(file: IO[bytes], batch_rows: int, skip: int) -> subprocess.Popen[bytes]:
    orders = DecoderOptions(
        MEMORY_BYTES, batch_rows, skip, MAX_CELL_CHARS, MAX_ROW_CHARS, GROUP_VALUES
    )
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    return subprocess.Popen(
        [sys.executable, "-I", str(_DECODER), json.dumps(asdict(orders))],
        stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        # Arrow's bundled allocators reserve address space in advance, and the limit would count it.
        env=kept | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
        start_new_session=True,  # Ctrl-C goes to the reader, which ends the process
    )  # fmt: skip


def _opened(process: subprocess.Popen[bytes], name: str) -> Any:
    try:
        stream = pa.ipc.open_stream(process.stdout)
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
