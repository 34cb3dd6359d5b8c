"""Failures as CSV, for people who open it in a spreadsheet: streamed, and no cell of it is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from vitrine.core.types import Failure

HEADER = ("item_id", "image_index", "url", "reason", "detail", "attempts", "failed_at")
ROWS_A_BLOCK = 500

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, the full-width forms included."""


def failures_csv(failures: Iterable[Failure]) -> Iterator[str]:
    """The header, then the failures, in blocks of text; lines end with CRLF as RFC 4180 has it."""
    block = io.StringIO(newline="")
    writer = csv.writer(block)
    writer.writerow(HEADER)
    for number, failure in enumerate(failures, 1):
        writer.writerow(_cells(failure))
        if number % ROWS_A_BLOCK == 0:
            yield block.getvalue()
            block.seek(0)
            block.truncate()
    yield block.getvalue()


def safe_cell(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would compute it: catalogs are other people's words."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _cells(failure: Failure) -> tuple[str | int, ...]:
    image = failure.image
    failed_at = datetime.fromtimestamp(failure.failed_at, UTC).isoformat(timespec="seconds")
    return (
        safe_cell(image.item_id), image.index, safe_cell(image.url), failure.reason.value,
        safe_cell(failure.detail), failure.attempts, failed_at,
    )  # fmt: skip
