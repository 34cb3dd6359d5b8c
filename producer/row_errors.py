"""Errors inside the producer: `RowError` for a row, `FileBrokenOff` for a file; both are reported as a `RejectedRow`."""

from __future__ import annotations

import re

from vitrine.core.broken_off import UNREADABLE
from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow

_CREDENTIALS = re.compile(r"//[^/\s@]{1,1024}@")


class RowError(Exception):
    """Raised if a row cannot be used; never leaves the code that reads and validates that row."""

    def __init__(self, message: str, *, field: str | None = None, code: str = "malformed_row"):
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code

    def at(self, source: str, line: int | None) -> RejectedRow:
        """Return the problem to report, with its location."""
        return RejectedRow(source, line, self.field, self.message, self.code)


class FileBrokenOff(BadInput):
    """Raised if a file cannot be read any further; the rows read before stay valid."""

    def __init__(self, source: str, line: int | None, why: str) -> None:
        super().__init__(f"{source if line is None else f'{source}:{line}'}: {why}.")
        self._problem = RejectedRow(source, line, None, why, UNREADABLE)

    def as_problem(self) -> RejectedRow:
        """Return the problem that ends a catalog of which some rows were read."""
        return self._problem


def reason(error: Exception) -> str:
    """Return another library's error message: its first line, without the full stop that our sentence adds."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(" .:")


def shown(value: object, width: int = 60) -> str:
    """Return a value as messages quote it: escaped, shortened, and without a URL's user name and password."""
    if isinstance(value, str):
        value = _CREDENTIALS.sub("//…@", value[: 4 * width])
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
