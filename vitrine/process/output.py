"""Output of a child process: written to a file, or to the terminal line by line with the child's name as a prefix."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO, Protocol

from vitrine.telemetry import humanize_json_line

DRAIN_SECONDS = 5.0
"""How long to wait for the last lines of an ended child, because a grandchild can hold the pipe open forever."""
_terminal = threading.Lock()


class ChildOutput(Protocol):
    """The destination of a child's output."""

    def open(self) -> BinaryIO:
        """Return a stream for one run of the child. The supervisor closes its end once the child has it."""

    def drain(self) -> None:
        """Wait until the output of the last run has arrived."""


class LogFile:
    """A file to which every run of the child appends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> BinaryIO:
        """Open the file for appending."""
        return self._path.open("ab")

    def drain(self) -> None:
        """Return immediately, because the child writes to the file directly."""

    def tail(self, lines: int = 5) -> str:
        """Return the file's last lines for an error message, or an empty string if it cannot be read."""
        try:
            text = self._path.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(humanize_json_line(line) for line in text.strip().splitlines()[-lines:])


class PrefixedOutput:
    """A stream that several children share line by line, each line prefixed with the child's name if it has one."""

    def __init__(self, name: str, sink: BinaryIO) -> None:
        self._prefix = f"[{name}] ".encode() if name else b""
        self._sink = sink
        self._reader: threading.Thread | None = None

    def open(self) -> BinaryIO:
        """Return the write end of a pipe. A thread reads the other end until every writer has closed it."""
        reading, writing = os.pipe()
        source = os.fdopen(reading, "rb")
        self._reader = threading.Thread(target=self._relay, args=(source,), daemon=True)
        self._reader.start()
        return os.fdopen(writing, "wb", buffering=0)

    def drain(self) -> None:
        """Wait for the last lines."""
        if self._reader is not None:
            self._reader.join(DRAIN_SECONDS)

    def _relay(self, source: BinaryIO) -> None:
        with source:
            for line in source:
                self._write(line if line.endswith(b"\n") else line + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            with _terminal:
                self._sink.write(self._prefix + line)
                self._sink.flush()
        except (OSError, ValueError):
            # The terminal is gone. Keep draining the pipe: a child must not block on a full one.
            return
