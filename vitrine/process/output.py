"""Where a child's output goes: into a file of its own, or line by line to the terminal behind its name."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO, Protocol

from vitrine.telemetry import humanize_json_line

DRAIN_SECONDS = 5.0
"""How long the last lines of a child that has ended may take; a grandchild can hold the pipe open for ever."""
_terminal = threading.Lock()


class ChildOutput(Protocol):
    """What a supervisor gives a child to write to."""

    def open(self) -> BinaryIO:
        """A stream for one run of the child; the supervisor closes its own end once the child has it."""

    def drain(self) -> None:
        """Return when what the last run wrote has arrived."""


class LogFile:
    """A file that every run of the child adds to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> BinaryIO:
        """The file, at its end."""
        return self._path.open("ab")

    def drain(self) -> None:
        """Nothing is under way: the child writes the file itself."""

    def tail(self, lines: int = 5) -> str:
        """The file's last lines, for an error message; none where it cannot be read."""
        try:
            text = self._path.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(humanize_json_line(line) for line in text.strip().splitlines()[-lines:])


class PrefixedOutput:
    """A stream that several children share, a line at a time, each line behind its child's name, where it has one."""

    def __init__(self, name: str, sink: BinaryIO) -> None:
        self._prefix = f"[{name}] ".encode() if name else b""
        self._sink = sink
        self._reader: threading.Thread | None = None

    def open(self) -> BinaryIO:
        """The writing end of a pipe, whose other end a thread reads until every writer has closed it."""
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
            # The terminal has gone. The pipe is emptied all the same: a child must not stop at a full one.
            return
