"""The roles of a catalog's columns (id, pictures, payload): as the caller names them, otherwise guessed from common names.

Names are compared without case, with spaces and dashes as underscores, so `Image Src` and `image_src` are
the same. The id is the first of `ID_NAMES` that exists. Pictures are all fields with a picture's name (`image`,
`picture_url`, `additional_image_link`, `photo_2`), main ones before additional ones, then by number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from producer.row_errors import shown
from vitrine.core.errors import BadInput
from vitrine.core.hints import Action, Hint

ID_NAMES = (
    "id",
    "item_id",
    "product_id",
    "sku",
    "g:id",
    "handle",
    "article_id",
    "asin",
    "variant_sku",
    "uid",
    "uuid",
    "code",
)
"""Common names of an id column, the most likely first."""

_IMAGE = re.compile(
    r"(?:g:)?(?P<more>(?:additional|alt|alternate|other|extra|more|secondary)_)?"
    r"(?:(?:main|primary|product|base|item)_)?"
    r"(?:image|img|picture|pic|photo)s?(?:_?(?:url|uri|link|src|path|file|href)s?)?"
    r"(?:_?(?P<number>\d{1,3}))?"
)
_LAST_RESORT = ("file", "filename", "file_name", "filepath", "file_path", "path", "url")
"""Used for the picture only if no field has a picture's name: `url` is usually the product's page."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The roles of a catalog's fields. If `payload` is None, it is every field that is neither id nor picture."""

    id: str
    images: tuple[str, ...]
    payload: tuple[str, ...] | None = None

    def payload_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the fields among `names` that are stored as payload, in their order."""
        if self.payload is not None:
            return self.payload
        taken = {self.id, *self.images}
        return tuple(name for name in names if name and name not in taken)


def choose_columns(
    names: Sequence[str],
    *,
    id_column: str | None = None,
    images: Sequence[str] = (),
    payload: Sequence[str] | None = None,
    source: str = "the catalog",
) -> Columns:
    """Assign the roles to the fields seen; raise `BadInput` with the fields and the option to pass."""
    refuse_unknown_columns(
        names, id_column=id_column, images=images, payload=payload, source=source
    )
    pictures = tuple(images) or guess_images(names)
    if not pictures:
        raise _none_found("a picture", Action.IMAGE_COLUMNS, names, source)
    key = id_column or guess_id(names)
    if key is None:
        raise _none_found("an id", Action.ID_COLUMN, names, source)
    return Columns(key, pictures, None if payload is None else tuple(payload))


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


def guess_id(names: Sequence[str]) -> str | None:
    """Return the field whose name is the most likely for an id."""
    by_name = {_plain(name): name for name in reversed(names)}
    return next((by_name[usual] for usual in ID_NAMES if usual in by_name), None)


def guess_images(names: Sequence[str]) -> tuple[str, ...]:
    """Return the fields with a picture's name, in the order in which an item shows them."""
    ranked = []
    for position, name in enumerate(names):
        if match := _IMAGE.fullmatch(_plain(name)):
            rank = (match["more"] is not None, int(match["number"] or 0), position)
            ranked.append((rank, name))
    if ranked:
        return tuple(name for _, name in sorted(ranked))
    by_name = {_plain(name): name for name in reversed(names)}
    return next(((by_name[usual],) for usual in _LAST_RESORT if usual in by_name), ())


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())


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
