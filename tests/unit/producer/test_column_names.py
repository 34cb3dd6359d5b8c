from __future__ import annotations

import pytest

from producer.column_names import plain_name
from producer.columns import guess_id, guess_images


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Image Src", "image_src"),
        ("imageURLs", "image_urls"),
        ("productID", "product_id"),
        ("image[0].url", "image_0_url"),
        ("g:image_link", "image_link"),
        ("Größe", "grosse"),
        ("Image URLs (x,y,z...)", "image_urls_x_y_z"),
        ("Product Code/SKU", "product_code_sku"),
        ("zdjęcie", "zdjecie"),
        ("画像", "画像"),
        ("  SKU  ", "sku"),
        ("", ""),
    ],
)
def test_one_spelling_of_a_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Artikelnummer", "Bezeichnung", "Bild"], "Artikelnummer"),
        (["référence", "photo"], "référence"),
        (["productId", "mainImage"], "productId"),
        (["Código", "imagen"], "Código"),
        (["ean", "sku", "foto"], "sku"),
        (["gtin", "foto"], "gtin"),
        (["colour", "foto"], None),
    ],
)
def test_the_id_in_the_main_languages(names: list[str], expected: str | None) -> None:
    assert guess_id(names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["galleryImages", "mainImage"], ("mainImage", "galleryImages")),
        (["Zusatzbild", "Produktbild"], ("Produktbild", "Zusatzbild")),
        (["Bild 2", "Bild 1", "Bild-URL"], ("Bild-URL", "Bild 1", "Bild 2")),
        (["immagini aggiuntive", "immagine principale"], ("immagine principale", "immagini aggiuntive")),
        (["imagen_principal", "imagenes_adicionales"], ("imagen_principal", "imagenes_adicionales")),
        (["image[1].url", "image[0].url", "image[0].tag[0]"], ("image[0].url", "image[1].url")),
        (["lien_photo", "nom"], ("lien_photo",)),
        (["IMGURL_ALTERNATIVE", "IMGURL"], ("IMGURL", "IMGURL_ALTERNATIVE")),
        (["imgs.i.url", "imgs.main.url"], ("imgs.main.url", "imgs.i.url")),
        (["Afbeelding", "naam"], ("Afbeelding",)),
        (["image_alt", "image_width", "image position", "image"], ("image",)),
        (["thumbnail_url", "title"], ("thumbnail_url",)),
        (["thumbnail_url", "image"], ("image",)),
        (["title", "price"], ()),
    ],
)  # fmt: skip
def test_the_pictures_in_the_main_languages(names: list[str], expected: tuple[str, ...]) -> None:
    assert guess_images(names) == expected
