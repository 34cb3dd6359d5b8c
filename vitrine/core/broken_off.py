"""Files that broke off before their end: the row that says so, and how users are told."""

from __future__ import annotations

from collections.abc import Iterable

from vitrine.core.types import RejectedRow

UNREADABLE = "unreadable"
"""The code of the rejected row that stands for the rest of a file that broke off. A file has at most one: its last."""


def is_break(row: RejectedRow) -> bool:
    """Whether this is not a bad row but the place where its file broke off."""
    return row.code == UNREADABLE


def find_break(rows: Iterable[RejectedRow]) -> RejectedRow | None:
    """Return the place where the file broke off; None if it was read to its end."""
    return next(filter(is_break, rows), None)


def broken_off_notice(row: RejectedRow) -> str:
    """Return what to tell the user about the file that broke off here."""
    where = "" if row.line is None else f" at line {row.line:,}"
    return f"The file broke off{where}: {row.message.rstrip(' .')}. The rows after it are missing."
