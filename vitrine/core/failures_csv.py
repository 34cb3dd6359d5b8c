"""Failures as CSV for spreadsheets: streamed, and no cell is ever read as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from vitrine.core.types import Failure

HEADER = ("item_id", "image_index", "url", "reason", "detail", "attempts", "failed_at")
ROWS_A_BLOCK = 500

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that start a formula in a spreadsheet, full-width forms included."""


def failures_csv(failures: Iterable[Failure]) -> Iterator[str]:
    """Yield the header, then the failures, in blocks of text; lines end with CRLF (RFC 4180)."""
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
    """Prefix the text with an apostrophe if a spreadsheet would evaluate it: catalogs are untrusted input."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _cells(failure: Failure) -> tuple[str | int, ...]:
    image = failure.image
    failed_at = datetime.fromtimestamp(failure.failed_at, UTC).isoformat(timespec="seconds")
    return (
        safe_cell(image.item_id), image.index, safe_cell(image.url), failure.reason.value,
        safe_cell(failure.detail), failure.attempts, failed_at,
    )  # fmt: skip
