"""The demo's CSV, and the outcomes expected from it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

from PIL import Image

from producer import open_catalog
from producer.source import from_path
from vitrine.core.types import CatalogItem, FailureReason, RejectedRow
from vitrine.demo.catalog import (
    MALFORMED_ROW,
    ExpectedOutcomes,
    write_catalog,
    write_folder_catalog,
)
from vitrine.demo.drawing import DrawnItem


def items(count: int) -> list[DrawnItem]:
    return [
        DrawnItem(
            f"vt-{n:04d}", f"Thing, {n}", "skirt", "dots", "red", 9.5, (f"{n}-0.jpg", f"{n}-1.png")
        )
        for n in range(count)
    ]


def picture_url(name: str) -> str:
    return f"http://127.0.0.1:8000/pictures/{name}"


def broken_url(name: str) -> str:
    return f"http://127.0.0.1:8000/broken/{name}"


def read(file: Path) -> list[CatalogItem | RejectedRow]:
    with open_catalog(from_path(file)) as catalog:
        return list(catalog)


def test_the_producer_reads_what_was_planned(tmp_path: Path) -> None:
    file = tmp_path / "catalog.csv"
    plan = write_catalog(file, items(40), picture_url, broken_url)
    rows = read(file)
    good = [row for row in rows if isinstance(row, CatalogItem)]
    problems = [row for row in rows if isinstance(row, RejectedRow)]
    failing = sum(count for reason, count in plan.failed.items() if reason != MALFORMED_ROW)
    assert sum(len(item.images) for item in good) == plan.embedded + failing
    assert Counter(problem.code for problem in problems) == {
        MALFORMED_ROW: plan.failed[MALFORMED_ROW]
    }
    first = good[0]
    assert first.images == (picture_url("0-0.jpg"), picture_url("0-1.png"))
    assert dict(first.payload) == {
        "title": "Thing, 0", "category": "skirt", "pattern": "dots", "colour": "red", "price": 9.5,
    }  # fmt: skip


def test_every_known_way_to_fail_is_planned(tmp_path: Path) -> None:
    plan = write_catalog(tmp_path / "catalog.csv", items(5), picture_url, broken_url)
    assert plan.embedded == 10
    assert set(plan.failed) == {
        FailureReason.NOT_FOUND.value, FailureReason.NOT_AN_IMAGE.value, FailureReason.TRUNCATED.value,
        FailureReason.TOO_LARGE.value, FailureReason.FORBIDDEN_ADDRESS.value, MALFORMED_ROW,
    }  # fmt: skip


def test_failing_rows_stand_among_the_good_ones(tmp_path: Path) -> None:
    file = tmp_path / "catalog.csv"
    write_catalog(file, items(100), picture_url, broken_url)
    lines = file.read_text().splitlines()
    bad = [number for number, line in enumerate(lines) if line.startswith("vt-x")]
    assert len(bad) == 10
    assert max(later - former for former, later in pairwise(bad)) < 15


def test_a_plan_that_was_kept_differs_in_nothing() -> None:
    assert ExpectedOutcomes(3, {"not_found": 1}).difference(3, {"not_found": 1}) is None


def test_a_difference_names_each_count_that_is_off() -> None:
    plan = ExpectedOutcomes(3, {"not_found": 1, "truncated": 1})
    assert plan.difference(2, {"not_found": 1, "timeout": 2}) == (
        "Not as planned: embedded: planned 3, found 2; truncated: planned 1, found 0; timeout: planned 0, found 2."
    )


def test_a_folder_of_pictures_becomes_an_item_a_picture(tmp_path: Path) -> None:
    (tmp_path / "shoes").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "shoes" / "red.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "top.jpg")
    file = tmp_path / "catalog.csv"
    assert write_folder_catalog(file, tmp_path, picture_url) == 2
    rows = {row.id: row for row in read(file) if isinstance(row, CatalogItem)}
    assert set(rows) == {"shoes/red.png", "top.jpg"}
    assert rows["shoes/red.png"].images == (picture_url("shoes/red.png"),)
    assert rows["shoes/red.png"].payload["folder"] == "shoes"
