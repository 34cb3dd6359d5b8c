"""Guessing of columns by their names."""

from __future__ import annotations

import pytest

from producer.columns import choose_columns, guess_id, guess_images
from vitrine.core.errors import BadInput


@pytest.mark.parametrize(
    ("names", "key", "pictures"),
    [
        (("id", "image"), "id", ("image",)),
        (("Handle", "Title", "Image Src", "Image Position"), "Handle", ("Image Src",)),
        (("product_id", "id", "images"), "id", ("images",)),
        (("g:id", "g:additional_image_link", "g:image_link"), "g:id",
         ("g:image_link", "g:additional_image_link")),
        (("sku", "image_10", "image_2", "image_1"), "sku", ("image_1", "image_2", "image_10")),
        (("SKU", "Photo", "image_width", "image_alt", "url"), "SKU", ("Photo",)),
        (("uuid", "url", "path"), "uuid", ("path",)),
        (("title", "price"), None, ()),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_usual_names(
    names: tuple[str, ...], key: str | None, pictures: tuple[str, ...]
) -> None:
    assert guess_id(names) == key
    assert guess_images(names) == pictures


def test_options_win_over_guesses() -> None:
    columns = choose_columns(("id", "ean", "image", "hero"), id_column="ean", images=("hero",))
    assert (columns.id, columns.images) == ("ean", ("hero",))
    assert columns.payload_of(("id", "ean", "image", "hero", "")) == ("id", "image")


def test_many_columns_are_listed_in_part() -> None:
    with pytest.raises(BadInput, match="and 20 more"):
        choose_columns([f"c{number}" for number in range(50)])
