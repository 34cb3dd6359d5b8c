"""Starting and ending the processes that decode files in a format with many ways to attack its reader.

At most `AT_ONCE` run at the same time and the next one waits, so that many uploads cannot multiply the memory that one may take.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from producer.source import OpenedSource

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AT_ONCE = 4
COPY_BYTES = 1024 * 1024
_turns = threading.BoundedSemaphore(AT_ONCE)
_LAUNCHER = Path(__file__).with_name("decoder_launcher.py")
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZDIR")
"""Environment variables that are passed on; the rest, passwords included, is kept from a process that reads untrusted files."""


class DecoderHandle:
    """One running decoder, whose standard output is `stream`; close it after use."""

    def __init__(
        self,
        decoder: Path,
        options: DataclassInstance,
        file: IO[bytes],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the decoder at this path on a file, which needs a file descriptor, at its beginning."""
        _turns.acquire()
        self._closed = False
        try:
            kept = {name: value for name, value in os.environ.items() if name in _KEPT}
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(_LAUNCHER), str(decoder), json.dumps(asdict(options))],
                stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**kept, **(environment or {})},
                start_new_session=True,  # Ctrl-C goes to the reader, which ends the process
            )  # fmt: skip
        except BaseException:
            _turns.release()
            raise
        self.stream = cast("IO[bytes]", self._process.stdout)

    def close(self) -> None:
        """End the process, even in the middle of the file."""
        if self._closed:
            return
        self._closed = True
        try:
            self._process.kill()
            self.stream.close()
            self._process.wait()
        finally:
            _turns.release()


def as_file(opened: OpenedSource, path: Path | None) -> IO[bytes]:
    """Return the source as a file with a descriptor: the one at `path` if it is read as it is, else a temporary copy."""
    if path is not None and not opened.compressed:
        return path.open("rb")
    copy: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the reader
    try:
        shutil.copyfileobj(opened.stream, copy, COPY_BYTES)
        copy.flush()  # for the process that reads the same file descriptor
    except BaseException:
        copy.close()
        raise
    return copy
