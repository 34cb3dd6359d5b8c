from __future__ import annotations

import io
from pathlib import Path

import pytest

from producer import Catalog, CatalogOptions, from_path, from_stream, open_catalog
from producer.presets import PRESETS, matching, recognise
from vitrine.core.types import CatalogItem, RejectedRow

FEEDS = Path(__file__).parents[2] / "cases" / "feeds"


def opened(text: str, **options: object) -> Catalog:
    given = CatalogOptions(**options)  # type: ignore[arg-type]
    return open_catalog(from_stream(io.BytesIO(text.encode()), "c.csv", rereadable=True), given)


def read(text: str, **options: object) -> tuple[list[CatalogItem], list[RejectedRow]]:
    with opened(text, **options) as catalog:
        outcomes = list(catalog)
    return (
        [one for one in outcomes if isinstance(one, CatalogItem)],
        [one for one in outcomes if isinstance(one, RejectedRow)],
    )


HEADERS = {
    "google": "id,title,image link,additional image link,price",
    "meta": "id,title,image[0].url,image[0].tag[0],image[1].url",
    "openai": "is_eligible_search,item_id,title,image_url,additional_image_urls",
    "shopify": "Title,URL handle,Vendor,SKU,Price,Product image URL,Variant image URL",
    "shopify-json": "id,handle,title,images,variants",
    "woocommerce": "ID,Type,SKU,Name,Published,Images",
    "magento": "sku,product_type,name,price,base_image,small_image,additional_images",
    "prestashop": '"Product ID","Active (0/1)","Name *","Image URLs (x,y,z...)"',
    "bigcommerce": "Item,ID,Name,Type,SKU,Image URL (Import),Internal Image URL (Export)",
    "bigcommerce-v2": "Product ID,Product Name,Product Code/SKU,Product Image File - 1,Product Image File - 2",
    "etsy": "TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,IMAGE1,IMAGE2,SKU",
    "amazon": "feed_product_type,item_sku,main_image_url,other_image_url1,swatch_image_url",
    "laion": "SAMPLE_ID,URL,TEXT,NSFW",
}


def test_every_platform_has_an_example() -> None:
    assert HEADERS.keys() == PRESETS.keys()


@pytest.mark.parametrize("name", HEADERS)
def test_a_platform_is_recognised_by_its_header(name: str) -> None:
    with opened(f"{HEADERS[name]}\n") as catalog:
        assert catalog.preset == name
        assert catalog.columns.images


def test_columns_of_our_own_are_no_platform() -> None:
    assert recognise(["id", "title", "image"]) is None


def test_a_pattern_finds_columns_by_number() -> None:
    names = ["other_image_url10", "other_image_url2", "main_image_url", "other_image_url"]
    assert list(matching(names, ("main_image_url", "other_image_url#"))) == [
        "main_image_url", "other_image_url2", "other_image_url10",
    ]  # fmt: skip


def test_shopifys_rows_are_one_item_each_handle() -> None:
    with open_catalog(from_path(FEEDS / "c05-shopify-rows.csv")) as catalog:
        assert (catalog.preset, catalog.grouped) == ("shopify", True)
        items = {item.id: item for item in catalog if isinstance(item, CatalogItem)}
    assert {key: len(item.images) for key, item in items.items()} == {
        "blue-coat": 4, "red-coat": 1, "late-picture": 1,
    }  # fmt: skip
    assert items["late-picture"].payload["Title"] == "Late picture"
    assert items["blue-coat"].payload["Variant Price"] == [19.99, 21.99]
    assert items["blue-coat"].payload["Variant SKU"] == ["BC-S", "BC-M"]
    assert items["red-coat"].payload["Variant Price"] == 24.5
    assert catalog.rows == sum(item.rows for item in items.values()) == 6


def test_an_id_of_ones_own_keeps_shopifys_variants_apart() -> None:
    text = "Handle,Title,Variant SKU,Image Src\na,A,a-1,https://h/1.jpg\na,,a-2,https://h/2.jpg\n"
    items, rejected = read(text, id="Variant SKU")
    assert ([item.id for item in items], rejected) == (["a-1", "a-2"], [])


def test_without_a_preset_the_columns_are_guessed() -> None:
    items, rejected = read(
        "Handle,Title,Image Src\na,A,https://h/1.jpg\na,,https://h/2.jpg\n", preset="none"
    )
    assert len(items) == 1
    assert "group by 'Handle'" in rejected[0].message


def test_bigcommerces_picture_rows_belong_to_the_product_above() -> None:
    items, rejected = read(
        "Item,ID,Name,SKU,Price,Internal Image URL (Export),Variant Image URL\n"
        "Image,7,,,,https://h/0.jpg,\n"
        "Product,77,Shirt,S,10,,\n"
        "Variant,12,,S-L,12,,https://h/v.jpg\n"
        "Image,9,,,,https://h/1.jpg,\n"
        "Product,78,Hat,H,5,https://h/2.jpg,\n"
    )
    assert [(item.id, item.images) for item in items] == [
        ("77", ("https://h/v.jpg", "https://h/1.jpg")),
        ("78", ("https://h/2.jpg",)),
    ]
    assert items[0].payload["Price"] == [10, 12]
    assert "without a product above it" in rejected[0].message


def test_magentos_smaller_copies_do_not_travel() -> None:
    with open_catalog(
        from_path(FEEDS / "c07-magento.csv"), CatalogOptions(image_root="https://h/media")
    ) as catalog:
        items = [item for item in catalog if isinstance(item, CatalogItem)]
    assert not {"small_image", "thumbnail_image"} & items[0].payload.keys()
    assert items[0].images[0] == "https://h/media/s/1.jpg"
