"""The demo's CSV: the drawn items, and rows that must fail, each for a known reason.

`ExpectedOutcomes` has the outcomes that the catalog must have, so that the demo can check the actual ones.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitrine.core.types import FailureReason
from vitrine.demo.drawing import DrawnItem
from vitrine.demo.shop import pictures_beneath

HEADER = ("id", "title", "category", "pattern", "colour", "price", "images")
SEPARATOR = "|"
"""Separator between the pictures of one item."""
MALFORMED_ROW = "malformed_row"
"""The producer's code for a row that it rejects; such a row never becomes a picture of the job."""


@dataclass(frozen=True, slots=True)
class ExpectedOutcomes:
    """The outcomes that a catalog must have."""

    embedded: int
    failed: dict[str, int]  #: Pictures by reason; a malformed row counts as one picture.

    def difference(self, embedded: int, failed: dict[str, int]) -> str | None:
        """Return one sentence about the outcomes that differ; None if all are as planned."""
        expected = {"embedded": self.embedded, **self.failed}
        found = {"embedded": embedded, **failed}
        parts = [
            f"{name}: planned {expected.get(name, 0)}, found {found.get(name, 0)}"
            for name in dict.fromkeys([*expected, *found])
            if expected.get(name, 0) != found.get(name, 0)
        ]
        return "Not as planned: " + "; ".join(parts) + "." if parts else None


def write_catalog(
    file: Path,
    items: Sequence[DrawnItem],
    picture_url: Callable[[str], str],
    broken_url: Callable[[str], str],
) -> ExpectedOutcomes:
    """Write the CSV, with the failing rows spread among the valid ones, and return the expected outcomes."""
    failing = failing_rows(broken_url)
    every = max(1, len(items) // (len(failing) + 1))
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        waiting = iter(failing)
        for number, item in enumerate(items, start=1):
            writer.writerow(_row(item, picture_url))
            if number % every == 0:
                writer.writerows(row for _, row in _next(waiting))
        writer.writerows(row for _, row in waiting)
    return ExpectedOutcomes(
        embedded=sum(len(item.files) for item in items),
        failed=dict(Counter(reason for reason, _ in failing)),
    )


def failing_rows(broken_url: Callable[[str], str]) -> list[tuple[str, Sequence[object]]]:
    """Return rows that are malformed or have one failing picture, each after the reason with which it must fail."""
    pictures = (
        (FailureReason.NOT_FOUND, "Sold-out scarf", broken_url("sold-out.jpg")),
        (FailureReason.NOT_FOUND, "Last season's belt", broken_url("last-season.jpg")),
        (FailureReason.NOT_AN_IMAGE, "Umbrella from the old shop", broken_url("page.jpg")),
        (FailureReason.TRUNCATED, "Half a cardigan", broken_url("half.jpg")),
        (FailureReason.TOO_LARGE, "Poster in full resolution", broken_url("huge.jpg")),
        (FailureReason.TOO_LARGE, "Poster without end", broken_url("endless.jpg")),
        (FailureReason.FORBIDDEN_ADDRESS, "Cloud metadata", "http://169.254.169.254/latest/meta-data/hat.jpg"),
        (FailureReason.FORBIDDEN_ADDRESS, "The neighbour's printer", "http://10.0.0.7/scan.jpg"),
    )  # fmt: skip
    rows: list[tuple[str, Sequence[object]]] = [
        (reason.value, (f"vt-x{number:02d}", title, "odd", "", "", "9.95", url))
        for number, (reason, title, url) in enumerate(pictures, start=1)
    ]
    lost = ("vt-x98", "A row that lost its end")
    split = (
        "vt-x99",
        "A title",
        " its comma unquoted",
        "odd",
        "",
        "",
        "9.95",
        broken_url("split.jpg"),
    )
    return [*rows, (MALFORMED_ROW, lost), (MALFORMED_ROW, split)]


def write_folder_catalog(file: Path, folder: Path, picture_url: Callable[[str], str]) -> int:
    """Write a CSV for a user's folder of pictures, one item per picture; return their number."""
    names = list(pictures_beneath(folder))
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "title", "folder", "images"))
        for name in names:
            path = Path(name)
            parent = "" if path.parent == Path() else path.parent.as_posix()
            writer.writerow((name, path.stem, parent, picture_url(name)))
    return len(names)


def _row(item: DrawnItem, picture_url: Callable[[str], str]) -> Sequence[object]:
    urls = SEPARATOR.join(picture_url(name) for name in item.files)
    return (
        item.id,
        item.title,
        item.category,
        item.pattern,
        item.colour,
        f"{item.price:.2f}",
        urls,
    )


def _next(
    waiting: Iterable[tuple[str, Sequence[object]]],
) -> list[tuple[str, Sequence[object]]]:
    """Return the next failing row, or an empty list if all are written."""
    return [row for row in [next(iter(waiting), None)] if row is not None]
