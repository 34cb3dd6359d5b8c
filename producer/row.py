"""One row, as a reader returns it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Row(NamedTuple):
    """One row: its first line from 1 (or its number, if the format has no lines), and its fields by name."""

    line: int
    values: dict[str, Any]
    size: int  #: Characters of the row, to limit the sample.
