"""Every example feed, with the value that a shop's engineer expects without options, unless the test gives one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from producer import CatalogOptions, from_path, open_catalog
from vitrine.core.types import CatalogItem, RejectedRow

FEEDS = Path(__file__).parents[2] / "cases" / "feeds"
HOST = "http://127.0.0.1:18499"


@dataclass(frozen=True)
class Read:
    """What was read of one feed."""

    items: dict[str, CatalogItem]
    rejected: list[RejectedRow]
    preset: str | None
    notes: list[str]

    @property
    def pictures(self) -> dict[str, int]:
        """Pictures by item."""
        return {key: len(item.images) for key, item in self.items.items()}

    def values(self, field: str) -> list[object]:
        """A field's values, item by item; None if an item does not have it."""
        return [item.payload.get(field) for item in self.items.values()]


def read(name: str, **options: object) -> Read:
    source = from_path(FEEDS / name)
    with open_catalog(source, CatalogOptions(**options)) as catalog:  # type: ignore[arg-type]
        outcomes = list(catalog)
        return Read(
            {one.id: one for one in outcomes if isinstance(one, CatalogItem)},
            [one for one in outcomes if isinstance(one, RejectedRow)],
            catalog.preset,
            catalog.notes(),
        )


@pytest.mark.parametrize(
    ("name", "options", "preset", "pictures"),
    [
        ("c01-google-rss.xml", {}, "google", {"P-1": 3, "P-2": 1}),
        ("c04-google-additional-comma.tsv", {}, "google", {"P-1": 3, "P-2": 2}),
        ("c05-shopify-rows.csv", {}, "shopify", {"blue-coat": 4, "red-coat": 1, "late-picture": 1}),
        ("c06-woocommerce.csv", {}, "woocommerce", {"44": 2, "50": 1, "51": 1, "52": 2}),
        ("c07-magento.csv", {"image_root": f"{HOST}/m"}, "magento", {"MH01-S-Gray": 3, "MH01": 3}),
        ("c10-amazon-flat.txt", {}, "amazon", {"SH-1": 3, "SH-2": 1}),
        ("c11-meta-flattened.csv", {}, "meta", {"DB_1": 2, "DB_2": 1}),
        ("c13c-excel-sep-line.csv", {}, None, {"1": 1, "2": 1}),
        ("c13d-excel-german-utf8.csv", {}, None, {"00123": 1, "00124": 1, "00125": 1}),
        ("c14-prices.csv", {}, None, {"1": 1, "2": 1, "3": 1}),
        ("c15-laion.parquet", {}, "laion", {"3034453019914": 1, "3329324007388": 1}),
        ("c15c-pandas-float-id.parquet", {}, None, {"101": 1, "102": 1, "103": 1}),
        ("c18-duplicate-columns.csv", {}, None, {"1": 2}),
        ("c26-camel-case.jsonl", {}, None, {"1": 2, "2": 1}),
        ("c27-entities.csv", {}, None, {"1": 1}),
        ("c33-cp1252-body.csv", {"encoding": "cp1252"}, None, None),
        ("c37-footer.csv", {}, None, {"1": 1, "2": 1}),
    ],
)  # fmt: skip
def test_items_and_pictures(
    name: str, options: dict[str, object], preset: str | None, pictures: dict[str, int] | None
) -> None:
    found = read(name, **options)
    assert found.preset == preset
    if pictures is not None:
        assert found.pictures == pictures


def test_shopifys_json_has_its_pictures() -> None:
    found = read("c16-shopify-products.json")
    assert (len(found.items), sum(found.pictures.values())) == (2, 3)
    assert found.preset == "shopify-json"


def test_a_feed_for_google_has_numbers_for_prices_and_urls_without_entities() -> None:
    found = read("c01-google-rss.xml")
    assert found.values("price") == [19.99, 24.5]
    assert found.values("price_currency") == ["EUR", "EUR"]
    assert found.values("item_group_id") == ["G1", "G1"]
    assert found.items["P-1"].images[-1] == f"{HOST}/s/3.jpg?w=1&h=2"
    assert found.items["P-2"].images == (f"{HOST}/s/4.jpg?w=1&h=2",)
    assert found.values("title") == ["Blue coat", "Red coat & belt"]


def test_magentos_placeholder_is_no_picture() -> None:
    found = read("c07-magento.csv", image_root=f"{HOST}/m")
    assert [(flaw.line, flaw.code) for flaw in found.rejected] == [(4, "no_image")]


def test_lines_above_the_header_are_skipped_and_reported() -> None:
    for name in (
        "c10-amazon-flat.txt",
        "c11-meta-flattened.csv",
        "c13c-excel-sep-line.csv",
        "c37-footer.csv",
    ):
        assert any("skipped" in note or "line" in note for note in read(name).notes), name


@pytest.mark.parametrize("name", ["c13c-excel-sep-line.csv", "c13d-excel-german-utf8.csv"])
def test_prices_with_a_decimal_comma_are_numbers(name: str) -> None:
    found = read(name)
    prices = (
        found.values("price")
        if "price" in next(iter(found.items.values())).payload
        else found.values("Preis")
    )
    assert prices == ([19.9, 5.0] if "sep" in name else [19.9, 1299.0, 5.0])


def test_prices_with_a_currency_are_numbers() -> None:
    found = read("c14-prices.csv")
    assert found.values("price_google") == [19.99, 5.0, 129.0]
    assert found.values("price_google_currency") == ["EUR"] * 3
    assert found.values("price_comma") == [19.99, 5.0, 129.0]
    assert found.values("price_sign") == [19.99, 5.0, 129.0]
    assert found.values("price_space") == [1299.0, 5.0, 129.0]
    assert found.values("price_plain") == [19.99, 5.0, 129.0]
    assert found.values("stock") == [12, 3, 0]


def test_an_id_that_is_no_number_is_rejected() -> None:
    (flaw,) = read("c15-laion.parquet").rejected
    assert flaw.code in ("empty_id", "bad_id")


def test_the_second_column_of_a_name_gets_a_number() -> None:
    (item,) = read("c18-duplicate-columns.csv").items.values()
    assert item.payload["price"] == 19.99
    assert item.payload["price_2"] == 24.99


def test_placeholders_are_no_pictures_and_lists_are_split() -> None:
    found = read("c19-urls.csv", allow_files=True)
    no_image = {flaw.line for flaw in found.rejected if flaw.code == "no_image"}
    assert len(no_image) == 4
    assert not {"null", "na", "dash", "no_selection"} & found.items.keys()
    for key, numbers in {
        "amp-entity": [10], "comma": [6], "semi-one": None, "comma-list": [41, 42], "pyrepr": [45, 46],
        "pgarray": [47, 48], "newline-in": [35, 36], "pipe-list": [39, 40], "imgtag": [33], "quoted-twice": [32],
        "angle": [31], "zwsp": [30], "excel-formula": [34],
    }.items():  # fmt: skip
        images = found.items[key].images
        if numbers is None or key == "comma":
            assert len(images) == 1, key
        else:
            assert [f"/{number}.jpg" in url for number, url in zip(numbers, images, strict=True)], (
                key
            )
    assert found.items["amp-entity"].images == (f"{HOST}/s/10.jpg?w=1&h=2",)
    rooted = read("c19-urls.csv", image_root=HOST)
    assert rooted.items["mixed-list"].images == (f"{HOST}/s/49.jpg", f"{HOST}/s/50.jpg")


def test_camel_case_and_nested_prices() -> None:
    found = read("c26-camel-case.jsonl")
    assert found.values("price") == [19.99, 5]
    assert found.values("price_currency") == ["EUR", "EUR"]


def test_entities_are_decoded() -> None:
    (item,) = read("c27-entities.csv").items.values()
    assert item.images == (f"{HOST}/v/1.jpg?w=1&h=2",)
    assert item.payload["name"] == "Tom & Jerry"


def test_kinds_that_change_late_are_reported() -> None:
    notes = " ".join(read("c30-mixed-late-kind.csv").notes)
    assert "price" in notes
    assert "1005" in notes.replace(",", "")
    assert "1006" in notes.replace(",", "")


def test_an_encoding_is_named_or_found() -> None:
    named = read("c33-cp1252-body.csv", encoding="cp1252")
    assert (len(named.items), named.rejected) == (4, [])
    found = read("c33-cp1252-body.csv")
    assert found.pictures == named.pictures or all(
        "cp1252" in str(flaw) or "1252" in str(flaw) for flaw in found.rejected
    )


def test_a_footer_is_a_rejected_row() -> None:
    found = read("c37-footer.csv")
    assert [flaw.line for flaw in found.rejected] == [6]
