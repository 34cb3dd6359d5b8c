"""The decoder of Parquet as its reader sees it: a process that is started, told where to go on, and ended.

As many as `AT_ONCE` run beside each other; the next waits for its turn, so that no crowd of uploads multiplies
what one of them may take.
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
"""What one decoder may take beside its libraries; catalogs of a million rows take a tenth of it."""
GROUP_VALUES = 64 * 1024 * 1024
"""Values of a list column in one row group: 64 pictures in each row of the largest that writers make by themselves."""
AT_ONCE = 4
_turns = threading.BoundedSemaphore(AT_ONCE)
_DECODER = Path(__file__).with_name("parquet_decoder.py")
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZDIR")
"""Of the environment; what else stands there, passwords too, is no business of a process that reads a stranger's file."""


class OutOfMemory(Exception):
    """Raised where the decoder has no memory left, or was ended by what it read."""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row that is too large to be read."""

    message: str
    field: str | None


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """The file breaks off after the rows that came before."""

    why: str


class DecoderProcess:
    """One process, begun; close it."""

    def __init__(self, file: IO[bytes], name: str, *, batch_rows: int, skip: int = 0) -> None:
        """Raises `BadInput` where it is no Parquet file that can be read."""
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
        """The columns that are read; no dictionaries in it."""
        return self._stream.schema

    def __iter__(self) -> Iterator[Any | SkippedRow | BrokenFile]:
        """Record batches, and what stands between them; raises `OutOfMemory`."""
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
        """End the process, wherever it is."""
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
        # Arrow's own pools take address space ahead, which the limit would count.
        env=kept | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
        start_new_session=True,  # Ctrl-C is its reader's, who ends it
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
