"""Platforms that export catalogs, as one table: how each is recognised, and what its columns mean.

A new platform is a row of `PRESETS`, an example beneath `tests/cases/feeds` with its test, and a row in docs/producer.md.
Column names are written as `producer.column_names.plain_name` gives them; `#` stands for a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from producer.column_names import plain_name

AUTO = "auto"
NO_PRESET = "none"


@dataclass(frozen=True, slots=True)
class Preset:
    """One platform's export."""

    title: str  #: What people call it.
    marks: tuple[tuple[str, ...], ...]
    """What it is recognised by: all columns of one of these sets are there."""
    ids: tuple[str, ...]  #: Columns with the id; the first that is there.
    images: tuple[str, ...]  #: Columns with pictures, in the order in which an item shows them.
    grouped: bool = False  #: Whether rows with one id are one item.
    follows: tuple[str, str] | None = None
    """A column and its value in a product's own row: rows with another value belong to the product above."""
    left_out: tuple[
        str, ...
    ] = ()  #: Columns that do not travel: smaller copies of the same pictures.
    image_root: str = ""  #: What `--image-root` usually is, for files whose pictures are paths.


PRESETS: Mapping[str, Preset] = {
    "google": Preset(
        "Google Merchant Center",
        marks=(("id", "image_link"),),
        ids=("id",),
        images=("image_link", "additional_image_link", "additional_image_links", "additional_image_link_#"),
    ),
    "meta": Preset(
        "a Meta catalog",
        marks=(("id", "image_0_url"), ("retailer_id", "image_url")),
        ids=("id", "retailer_id"),
        images=("image_link", "image_url", "image_#_url", "additional_image_link", "additional_image_urls"),
        left_out=("image_#_tag_#",),
    ),
    "openai": Preset(
        "an OpenAI product feed",
        marks=(
            ("enable_search", "image_link"),
            ("is_eligible_search", "image_url"),
            ("id", "media", "variants"),
        ),
        ids=("item_id", "id"),
        images=("image_link", "image_url", "media", "additional_image_link", "additional_image_urls"),
    ),
    "shopify": Preset(
        "Shopify",
        marks=(("handle", "image_src"), ("url_handle", "product_image_url")),
        ids=("handle", "url_handle"),
        images=("image_src", "product_image_url", "variant_image", "variant_image_url"),
        grouped=True,
    ),
    "shopify-json": Preset(
        "Shopify's products.json",
        marks=(("id", "handle", "images", "variants"),),
        ids=("id",),
        images=("images",),
        left_out=("image", "image_#", "image_src", "image_id"),
    ),
    "woocommerce": Preset(
        "WooCommerce",
        marks=(("id", "type", "sku", "images"),),
        ids=("id",),
        images=("images",),
    ),
    "magento": Preset(
        "Magento 2",
        marks=(("sku", "base_image"),),
        ids=("sku",),
        images=("base_image", "additional_images"),
        left_out=("small_image", "thumbnail_image", "swatch_image"),
        image_root="https://SHOP/media/catalog/product",
    ),
    "prestashop": Preset(
        "PrestaShop",
        marks=(
            ("product_id", "image_urls_x_y_z"),
            ("id", "image_urls_x_y_z"),
            ("id_product", "image_urls"),
            ("reference", "images_url"),
        ),
        ids=("product_id", "id_product", "id", "reference"),
        images=("image_urls_x_y_z", "image_urls", "images_url"),
    ),
    "bigcommerce": Preset(
        "BigCommerce",
        marks=(("item", "id", "internal_image_url_export"), ("item", "id", "image_url_import")),
        ids=("id",),
        images=("internal_image_url_export", "image_url_import", "variant_image_url"),
        grouped=True,
        follows=("item", "product"),
    ),
    "bigcommerce-v2": Preset(
        "BigCommerce (v2)",
        marks=(("product_id", "product_image_file_1"), ("product_id", "product_image_url_1")),
        ids=("product_id",),
        images=("product_image_url_#", "product_image_file_#"),
        image_root="https://SHOP/product_images",
    ),
    "etsy": Preset(
        "Etsy",
        marks=(("title", "image1", "currency_code"),),
        ids=("listing_id", "sku"),
        images=("image#",),
    ),
    "amazon": Preset(
        "an Amazon flat file",
        marks=(("item_sku", "main_image_url"),),
        ids=("item_sku",),
        images=("main_image_url", "other_image_url#", "other_image_url_#"),
        left_out=("swatch_image_url",),
    ),
    "laion": Preset(
        "LAION or img2dataset",
        marks=(("sample_id", "url"), ("key", "url", "caption"), ("key", "url", "status")),
        ids=("sample_id", "key"),
        images=("url",),
    ),
}  # fmt: skip
"""By the name that `--preset` takes. The first that is recognised is taken, so a narrower one stands before a wider one."""

_RECOGNISED_IN_ORDER = (
    "openai",
    "meta",
    *(name for name in PRESETS if name not in ("openai", "meta")),
)


def recognise(names: Sequence[str]) -> str | None:
    """The name of the platform whose columns these are; None if it is none that is known."""
    plain = {plain_name(name) for name in names}
    for preset in _RECOGNISED_IN_ORDER:
        if any(plain.issuperset(mark) for mark in PRESETS[preset].marks):
            return preset
    return None


def matching(names: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """The columns that the patterns name, by pattern, then by number, then as the file has them."""
    plain = [(plain_name(name), name) for name in names]
    for pattern in wanted:
        regex = re.compile(re.escape(pattern).replace(r"\#", r"(\d{1,4})"))
        found = [
            (tuple(map(int, match.groups())), position, name)
            for position, (folded, name) in enumerate(plain)
            if (match := regex.fullmatch(folded))
        ]
        yield from (name for _, _, name in sorted(found))
