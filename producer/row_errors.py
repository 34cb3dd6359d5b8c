"""How a flaw travels inside the producer: raised as `RowError` (a row) or `FileBrokenOff` (a file), shown as a `RejectedRow`."""

from __future__ import annotations

import re

from vitrine.core.errors import BadInput
from vitrine.core.types import RejectedRow

_CREDENTIALS = re.compile(r"//[^/\s@]{1,1024}@")


class RowError(Exception):
    """Raised where a row cannot be used; it never leaves the row's own validation."""

    def __init__(self, message: str, *, field: str | None = None, code: str = "malformed_row"):
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code

    def at(self, source: str, line: int | None) -> RejectedRow:
        """The problem to report, with its place."""
        return RejectedRow(source, line, self.field, self.message, self.code)


class FileBrokenOff(BadInput):
    """Raised where a file cannot be read further; what was read of it before stays good."""

    def __init__(self, source: str, line: int | None, why: str) -> None:
        super().__init__(f"{source if line is None else f'{source}:{line}'}: {why}.")
        self._problem = RejectedRow(source, line, None, why, "unreadable")

    def as_problem(self) -> RejectedRow:
        """The last problem of a catalog of which some rows were taken."""
        return self._problem


def reason(error: Exception) -> str:
    """What another library says went wrong: one line, without the full stop that our sentence brings."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(" .:")


def shown(value: object, width: int = 60) -> str:
    """A value as a message quotes it: escaped, cut, and without a URL's user name and password."""
    if isinstance(value, str):
        value = _CREDENTIALS.sub("//…@", value[: 4 * width])
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
