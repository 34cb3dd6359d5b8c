"""The values and pictures of the example feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer import CatalogOptions, from_path, open_catalog
from vitrine.core.types import CatalogItem, PayloadValue, RejectedRow

FEEDS = Path(__file__).parents[2] / "cases" / "feeds"
HOST = "http://127.0.0.1:18499"


def read(
    name: str, **options: object
) -> tuple[dict[str, CatalogItem], list[RejectedRow], list[str]]:
    given = CatalogOptions(**options)  # type: ignore[arg-type]
    with open_catalog(from_path(FEEDS / name), given) as catalog:
        outcomes = list(catalog)
        notes = catalog.notes()
    items = {one.id: one for one in outcomes if isinstance(one, CatalogItem)}
    return items, [one for one in outcomes if isinstance(one, RejectedRow)], notes


def values(items: dict[str, CatalogItem], field: str) -> list[PayloadValue]:
    return [item.payload.get(field) for item in items.values()]


def test_c04_a_comma_without_a_blank_separates_urls() -> None:
    items, problems, _ = read("c04-google-additional-comma.tsv")
    assert [len(item.images) for item in items.values()] == [3, 2]
    assert problems == []


def test_c06_woocommerce() -> None:
    items, problems, _ = read("c06-woocommerce.csv")
    assert {key: len(item.images) for key, item in items.items()} == {
        "44": 2,
        "50": 1,
        "51": 1,
        "52": 2,
    }
    assert problems == []


def test_c07_magento_with_an_image_root(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    for root, base in (
        (f"{HOST}/media", f"{HOST}/media"),
        (str(tmp_path), f"file://{tmp_path.resolve()}"),
    ):
        items, problems, _ = read("c07-magento.csv", image_root=root, allow_files=True)
        assert {key: item.images for key, item in items.items()} == dict.fromkeys(
            ("MH01-S-Gray", "MH01"), tuple(f"{base}/s/{number}.jpg" for number in (1, 2, 3))
        )
        assert [(one.line, one.code) for one in problems] == [(4, "no_image")]


def test_c13_decimal_commas_and_codes() -> None:
    items, problems, notes = read("c13d-excel-german-utf8.csv")
    assert list(items) == ["00123", "00124", "00125"]
    assert values(items, "Preis") == [19.9, 1299.0, 5.0]
    assert (problems, notes) == ([], [])


def test_c14_prices_are_numbers() -> None:
    items, _, notes = read("c14-prices.csv")
    for field in ("price_google", "price_comma", "price_sign", "price_plain"):
        assert values(items, field) == [19.99, 5.0, 129.0]
    assert values(items, "price_space") == [1299.0, 5.0, 129.0]
    assert (
        values(items, "price_google_currency")
        == values(items, "price_sign_currency")
        == ["EUR"] * 3
    )
    assert values(items, "stock") == [12, 3, 0]
    assert notes == []


def test_c15_whole_floats_are_ids() -> None:
    items, problems, _ = read("c15-laion.parquet", id="SAMPLE_ID")
    assert list(items) == ["3034453019914", "3329324007388"]
    assert [(one.field, one.code) for one in problems] == [("SAMPLE_ID", "empty_id")]
    items, problems, _ = read("c15c-pandas-float-id.parquet")
    assert (list(items), problems) == (["101", "102", "103"], [])


@pytest.mark.parametrize(
    ("item", "images"),
    [
        ("comma", ("s/w_300,h_200/6.jpg",)),
        ("amp-entity", ("s/10.jpg?w=1&h=2",)),
        ("pipe", ("s/a|b-14.jpg",)),
        ("backslash", ("img/17.jpg",)),
        ("nbsp", ("s/29.jpg",)),
        ("zwsp", ("s/30.jpg",)),
        ("angle", ("s/31.jpg",)),
        ("quoted-twice", ("s/32.jpg",)),
        ("imgtag", ("s/33.jpg",)),
        ("excel-formula", ("s/34.jpg",)),
        ("newline-in", ("s/35.jpg", "s/36.jpg")),
        ("semicolon-list", ("s/37.jpg", "s/38.jpg")),
        ("pipe-list", ("s/39.jpg", "s/40.jpg")),
        ("comma-list", ("s/41.jpg", "s/42.jpg")),
        ("comma-blank-list", ("s/43.jpg", "s/44.jpg")),
        ("semi-one", ("s/a;00000115.jpg",)),
        ("pyrepr", ("s/45.jpg", "s/46.jpg")),
        ("pgarray", ("s/47.jpg", "s/48.jpg")),
        ("mixed-list", ("s/49.jpg", "s/50.jpg")),
    ],
)
def test_c19_urls(item: str, images: tuple[str, ...]) -> None:
    items, _, _ = read("c19-urls.csv", image_root=f"{HOST}/")
    assert items[item].images == tuple(f"{HOST}/{image}" for image in images)


def test_c19_what_is_no_picture_or_no_url() -> None:
    _, problems, notes = read("c19-urls.csv", image_root=f"{HOST}/", check_files=True)
    lines = (FEEDS / "c19-urls.csv").read_text(encoding="utf-8").splitlines()
    without = [
        lines[one.line - 1].partition(",")[0]
        for one in problems
        if one.line and one.code == "no_image"
    ]
    assert without == ["null", "na", "dash", "no_selection"]
    (note,) = notes
    assert note.startswith("2 picture names are read as paths")
    assert "is https:// missing?" in note
    assert "'www.shop.example/s/22.jpg' in row 22 (line 23)" in note


def test_c26_an_object_of_amount_and_currency() -> None:
    items, problems, _ = read("c26-camel-case.jsonl")
    assert [len(item.images) for item in items.values()] == [2, 1]
    assert values(items, "price") == [19.99, 5]
    assert values(items, "price_currency") == ["EUR", "EUR"]
    assert problems == []


def test_c27_entities() -> None:
    items, _, _ = read("c27-entities.csv")
    assert items["1"].images == (f"{HOST}/v/1.jpg?w=1&h=2",)
    assert items["1"].payload == {"name": "Tom & Jerry"}


def test_c30_late_texts_among_numbers_are_reported() -> None:
    items, _, notes = read("c30-mixed-late-kind.csv")
    assert (items["2001"].payload, items["2002"].payload) == (
        {"price": "on request"},
        {"price": "1,299.00"},
    )
    assert notes == [
        (
            "2 values of 'price' are not numbers, unlike those of the first rows, and were kept as they are: "
            "row 1005 (line 1006), row 1006 (line 1007)"
        )
    ]
