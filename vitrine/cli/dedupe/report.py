"""The result of `vitrine dedupe`: as a table, as one JSON object, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from vitrine.cli.common.output import counted, print_table, say
from vitrine.core.failures_csv import safe_cell
from vitrine.similarity.dedupe import Duplicates, GroupMember

HEADER = ("group", "item_id", "image_index", "url", "cosine", "same_bytes", "content_sha256")

Group = tuple[GroupMember, ...]


def print_groups(collection: str, found: Duplicates, limit: int) -> None:
    """Print the largest groups and a summary."""
    if found.groups:
        rows = (_row(number, group) for number, group in enumerate(found.groups[:limit], 1))
        headings = ("group", "pictures", "items", "lowest cosine", "first picture")
        print_table(headings, rows, folding=("first picture",))
    say(summary(collection, found))
    if len(found.groups) > limit:
        say(f"{len(found.groups) - limit:,} more groups: write them with --csv or --page.")


def summary(collection: str, found: Duplicates) -> str:
    """Summarize the result in two sentences."""
    if not found.groups:
        return (
            f"{counted(found.pictures, 'picture')} of {collection}: none is near-identical to another. "
            f"{found.threshold.told}"
        )
    within = sum(len(group) for group in found.groups)
    groups = counted(len(found.groups), "group")
    return (
        f"{counted(found.pictures, 'picture')} of {collection}: {within:,} are in {groups} of near-identical ones. "
        f"{found.threshold.told}"
    )


def items_of(group: Group) -> int:
    """Return the number of items to which the group's pictures belong."""
    return len({member.picture.item_id for member in group})


def _row(number: int, group: Group) -> tuple[object, ...]:
    first = group[0].picture
    lowest = min(member.cosine for member in group)
    return number, len(group), items_of(group), f"{lowest:.4f}", f"{first.item_id} {first.url}"


def report_json(collection: str, found: Duplicates) -> dict[str, Any]:
    """Return the complete result for programs."""
    threshold = found.threshold
    return {
        "collection": collection,
        "pictures": found.pictures,
        "threshold": {
            "cosine": threshold.cosine, "chosen": threshold.chosen, "told": threshold.told,
        },
        "groups": [[_member(member) for member in group] for group in found.groups],
    }  # fmt: skip


def _member(member: GroupMember) -> dict[str, Any]:
    picture = member.picture
    return {
        "item_id": picture.item_id, "image_index": picture.index, "url": picture.url,
        "cosine": round(member.cosine, 6), "same_bytes": member.same_bytes,
        "content_sha256": picture.content,
    }  # fmt: skip


def csv_lines(found: Duplicates) -> Iterator[str]:
    """Yield a header, then one line per picture, group by group; no cell is ever read as a formula."""
    yield _line(HEADER)
    for number, group in enumerate(found.groups, 1):
        for member in group:
            picture = member.picture
            yield _line((
                number, safe_cell(picture.item_id), picture.index, safe_cell(picture.url),
                f"{member.cosine:.6f}", "yes" if member.same_bytes else "no", picture.content,
            ))  # fmt: skip


def _line(cells: tuple[object, ...]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()
