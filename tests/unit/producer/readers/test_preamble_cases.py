"""The example feeds with lines above the header, other encodings and columns of one name, with their right values."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import CatalogOptions, from_path, open_catalog
from producer.preview import preview
from vitrine.core.types import CatalogItem

FEEDS = Path(__file__).parents[3] / "cases" / "feeds"
HOST = "http://127.0.0.1:18499/s/"
Pictures = dict[str, list[int]]

RIGHT: dict[str, tuple[Pictures, str]] = {
    "c10-amazon-flat.txt": ({"SH-1": [1, 2, 3], "SH-2": [4]}, "lines 1 to 2 above the header"),
    "c11-meta-flattened.csv": ({"DB_1": [1, 2], "DB_2": [3]}, "lines 1 to 2 above the header"),
    "c13c-excel-sep-line.csv": ({"1": [1], "2": [2]}, "the separator is ';'"),
    "c13d-excel-german-utf8.csv": ({"00123": [1], "00124": [2], "00125": [3]}, ""),
    "c18-duplicate-columns.csv": ({"1": [1, 2]}, "'price' as 'price_2'"),
    "c33-cp1252-body.csv": ({"1": [1], "2": [2], "3": [3], "4": [4]}, "Windows-1252 (encoding cp1252, detected)"),
    "c37-footer.csv": ({"1": [1], "2": [2]}, "'Product report 30.11.2026,,'"),
}  # fmt: skip


@pytest.mark.parametrize("file", RIGHT)
def test_it_is_read_without_options_and_what_was_found_is_reported(file: str) -> None:
    pictures, note = RIGHT[file]
    with open_catalog(from_path(FEEDS / file)) as catalog:
        items = [each for each in catalog if isinstance(each, CatalogItem)]
        assert note in " ".join(catalog.notes())
        assert bool(note) == bool(catalog.notes())
    expected = {
        key: tuple(f"{HOST}{number}.jpg" for number in numbers) for key, numbers in pictures.items()
    }
    assert {item.id: item.images for item in items} == expected


@pytest.mark.parametrize("file", RIGHT)
def test_a_preview_reports_the_same(file: str) -> None:
    found = preview(from_path(FEEDS / file), CatalogOptions())
    assert found.report.items == len(RIGHT[file][0])
    assert RIGHT[file][1] in " ".join(found.notes)


def test_texts_in_windows_1252_are_right() -> None:
    with open_catalog(from_path(FEEDS / "c33-cp1252-body.csv")) as catalog:
        names = [each.payload["name"] for each in catalog if isinstance(each, CatalogItem)]
    assert names == ["Plain", "Küche", "Café \N{EN DASH} best", "Plain"]


def test_the_footer_of_a_report_is_a_rejected_row_with_its_line() -> None:
    with open_catalog(from_path(FEEDS / "c37-footer.csv")) as catalog:
        *_, last = catalog
    assert str(last).startswith(f"{FEEDS / 'c37-footer.csv'}:6 ")
