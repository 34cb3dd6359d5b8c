"""Choose the fields that hold the id, the pictures and the payload: as given, else a platform's, else by their usual names.

Names are compared as `producer.column_names.plain_name` folds them, so `Image Src`, `image_src` and `imageSrc` are the same. The
id is the first of `ID_NAMES` that is present. Pictures are every field named like one (`image`, `picture_url`, `additional_image_link`,
`photo_2`, `Produktbild`, `imagen_principal`), main ones before additional ones, then by number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from producer.column_names import plain_name
from producer.presets import Preset, matching
from producer.row_errors import shown
from vitrine.core.errors import BadInput
from vitrine.core.hints import Action, Hint

ID_NAMES = (
    "id",
    "item_id",
    "product_id",
    "sku",
    "item_sku",
    "handle",
    "article_id",
    "asin",
    "variant_sku",
    "seller_sku",
    "product_sku",
    "uid",
    "uuid",
    "code",
    "product_code",
    "item_code",
    "article_code",
    "article_number",
    "item_number",
    "product_number",
    "part_number",
    "retailer_id",
    "offer_id",
    "listing_id",
    "entity_id",
    "sample_id",
    "identifier",
    "guid",
    # German, Dutch and the Scandinavian languages
    "artikelnummer",
    "artikel_nummer",
    "artikelnr",
    "artikel_nr",
    "art_nr",
    "artnr",
    "artikel_id",
    "artikelcode",
    "produktnummer",
    "produkt_nummer",
    "produkt_nr",
    "produktnr",
    "produkt_id",
    "bestellnummer",
    "productnummer",
    "varenummer",
    "varenr",
    "tuotenumero",
    # French, Spanish, Italian, Portuguese
    "reference",
    "ref",
    "reference_produit",
    "id_produit",
    "code_produit",
    "code_article",
    "referencia",
    "id_producto",
    "codigo",
    "codigo_producto",
    "codigo_articulo",
    "codice",
    "codice_articolo",
    "codice_prodotto",
    "id_prodotto",
    "codigo_produto",
    "id_produto",
    # Polish, Czech
    "kod",
    "kod_produktu",
    "numer_katalogowy",
    "id_produktu",
    # Numbers that makers give: better than nothing
    "mpn",
    "gtin",
    "ean",
    "upc",
    "barcode",
)
"""Names of an id, the most likely first."""

_MORE = (
    "additional|alt|alternate|alternative|other|extra|more|secondary|gallery|galerie|zusatz|zusatzliche|zusatzliches|weitere|"
    "weiteres|autres?|autre|supplementaires?|otras?|adicionale?s?|altre|aggiuntive|outras?|andere|extra|dodatkowe|dalsi"
)
_MAIN = (
    "main|primary|product|base|item|cover|featured|hero|default|first|large|full|big|original|variant|haupt|produkt|artikel|"
    "principale?|produit|producto|prodotto|produto|hoofd|glowne|hlavni"
)
_NOUN = (
    "image|img|picture|pic|photo|foto|bild|bilder|abbildung|abbildungen|visuel|imagen|imagene|imagem|imagen|immagine|immagini|"
    "afbeelding|afbeeldingen|billede|billeder|bilde|kuva|kuvat|zdjecie|zdjecia|obraz|obrazek|obrazky|kep|fotografia"
)
_PLACE = (
    "url|uri|link|src|path|file|href|datei|dateiname|pfad|adresse|lien|enlace|ruta|fichier|archivo"
)
_AFTER = "main|principale?|glowne|hlavni|gallery|supplementaires?|adicionale?s?|aggiuntive"
"""Words that follow the noun; `alt` is not one, since `image_alt` is a text."""
_IMAGE = re.compile(
    rf"(?:(?P<more>{_MORE})_?)?(?:(?:{_MAIN})_?)?(?:{_NOUN})(?:e?s)?"
    rf"(?:_?(?P<inner>\d{{1,3}}))?(?:_?(?:{_PLACE})s?)?"
    rf"(?:_(?P<after>{_AFTER}))?(?:_?(?P<number>\d{{1,3}}))?"
)
_PLACE_FIRST = re.compile(
    rf"(?:{_PLACE})s?_(?:(?:de|da|di|del|do)_)?(?:l_)?(?:{_NOUN})(?:e?s)?(?:_?(?P<number>\d{{1,3}}))?"
)
"""`url_image`, `enlace_de_imagen`: the word order of Romance languages."""
_FEED_IMAGES = {
    "enclosure_url": False,  # RSS and Atom
    "content_url": False,  # Media RSS
    "media_image": False,
    "imgurl": False,  # Heureka
    "imgurl_alternative": True,
    "imgs_main_url": False,  # Ceneo
    "imgs_i_url": True,
}
"""Elements of feeds with pictures, and whether they are additional ones."""
_LAST_RESORT = (
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "path",
    "url",
    "datei",
    "dateiname",
    "pfad",
    "thumbnail",
    "thumbnail_url",
    "thumbnail_image",
    "thumb",
)
"""Used as the picture only if no field is named like one: `url` is usually the product page."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The roles of a catalog's fields. If `payload` is None, it is every field that is neither id nor picture."""

    id: str
    images: tuple[str, ...]
    payload: tuple[str, ...] | None = None
    left_out: frozenset[str] = frozenset()  #: Fields of a platform's export that are not stored.

    def payload_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the fields among `names` that are stored as payload, in their order."""
        if self.payload is not None:
            return self.payload
        taken = {self.id, *self.images} | self.left_out
        return tuple(name for name in names if name and name not in taken)


def choose_columns(
    names: Sequence[str],
    *,
    id_column: str | None = None,
    images: Sequence[str] = (),
    payload: Sequence[str] | None = None,
    preset: Preset | None = None,
    needs_id: bool = True,
    source: str = "the catalog",
) -> Columns:
    """Assign the roles to the fields seen; raise `BadInput` with the fields and the option to pass.

    With `needs_id` False the id is empty if no field is named like one.
    """
    refuse_unknown_columns(
        names, id_column=id_column, images=images, payload=payload, source=source
    )
    pictures = tuple(images) or guess_images(names, preset)
    if not pictures:
        raise _none_found("a picture", Action.IMAGE_COLUMNS, names, source)
    key = id_column or guess_id(names, preset)
    if key is None and needs_id:
        raise _none_found("an id", Action.ID_COLUMN, names, source)
    left_out = frozenset() if preset is None else frozenset(matching(names, preset.left_out))
    chosen = None if payload is None else tuple(payload)
    return Columns(key or "", pictures, chosen, left_out - {key, *pictures})


def refuse_unknown_columns(
    names: Sequence[str],
    *,
    id_column: str | None = None,
    images: Sequence[str] = (),
    payload: Sequence[str] | None = None,
    source: str = "the catalog",
) -> None:
    """Raise `BadInput` if a column named by the caller is not among the fields seen."""
    _refuse_unknown(names, Action.ID_COLUMN, [id_column] if id_column else [], source)
    _refuse_unknown(names, Action.IMAGE_COLUMNS, images, source)
    _refuse_unknown(names, Action.PAYLOAD_COLUMNS, payload or (), source)


def guess_id(names: Sequence[str], preset: Preset | None = None) -> str | None:
    """Return the platform's field for the id, else the one whose name is the most likely for it."""
    if preset is not None and (known := next(matching(names, preset.ids), None)) is not None:
        return known
    by_name = {plain_name(name): name for name in reversed(names)}
    return next((by_name[usual] for usual in ID_NAMES if usual in by_name), None)


def guess_images(names: Sequence[str], preset: Preset | None = None) -> tuple[str, ...]:
    """Return the platform's picture fields, else those with a picture's name, in the order in which an item shows them."""
    if preset is not None and (known := tuple(dict.fromkeys(matching(names, preset.images)))):
        return known
    plain = [(plain_name(name), name) for name in names]
    ranked = [
        (rank, position, name)
        for position, (folded, name) in enumerate(plain)
        if (rank := _picture_rank(folded)) is not None
    ]
    if ranked:
        return tuple(name for _, _, name in sorted(ranked))
    by_name = dict(reversed(plain))
    return next(((by_name[usual],) for usual in _LAST_RESORT if usual in by_name), ())


def _picture_rank(folded: str) -> tuple[bool, int] | None:
    """Whether a picture field is for additional ones, and its number; None for a field that is not for pictures."""
    if folded in _FEED_IMAGES:
        return _FEED_IMAGES[folded], 0
    if match := _IMAGE.fullmatch(folded):
        after = match["after"]
        more = match["more"] is not None or (after is not None and not after.startswith(_MAINS))
        return more, int(match["number"] or match["inner"] or 0)
    if match := _PLACE_FIRST.fullmatch(folded):
        return False, int(match["number"] or 0)
    return None


_MAINS = ("main", "principal", "glowne", "hlavni")


def _refuse_unknown(
    names: Sequence[str], option: Action, asked: Sequence[str], source: str
) -> None:
    for name in asked:
        if name not in names:
            raise BadInput(
                f"{source} has no column {name!r}; it has {_listed(names)}.",
                hint=Hint(f"Name one of these in {{{option}}}."),
            )


def _none_found(what: str, option: Action, names: Sequence[str], source: str) -> BadInput:
    return BadInput(
        f"{source} has no column named like {what}; it has {_listed(names)}.",
        hint=Hint(f"Name it in {{{option}}}."),
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 30} more" if len(names) > 30 else ""
    return ", ".join(shown(name, 40) for name in names[:30]) + more if names else "none"
