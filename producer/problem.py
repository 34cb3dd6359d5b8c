"""How a row's flaw travels inside the producer: raised as `Flaw`, shown as a `RowProblem`."""

from __future__ import annotations

import re

from vitrine.contracts import RowProblem

_CREDENTIALS = re.compile(r"//[^/\s@]{1,1024}@")


class Flaw(Exception):
    """Raised where a row cannot be used; it never leaves the row's own validation."""

    def __init__(self, message: str, *, field: str | None = None, code: str = "malformed_row"):
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code

    def at(self, source: str, line: int | None) -> RowProblem:
        """The problem to report, with its place."""
        return RowProblem(source, line, self.field, self.message, self.code)


def shown(value: object, width: int = 60) -> str:
    """A value as a message quotes it: escaped, cut, and without a URL's user name and password."""
    if isinstance(value, str):
        value = _CREDENTIALS.sub("//…@", value[: 4 * width])
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
