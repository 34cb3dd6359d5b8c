"""Validation of one row: a `CatalogItem`, or a `RowError` that names the field and what was expected.

Every row passes through here, so each check starts with a cheap test that good rows pass.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Mapping
from typing import Any

from producer.columns import Columns
from producer.image_url import ImageRoot
from producer.images.cell import image_values
from producer.images.names import PictureNames
from producer.limits import MAX_ID_BYTES, MAX_IMAGES_PER_ITEM
from producer.row import Row
from producer.row_errors import RowError, shown
from producer.values.doubts import Doubts
from producer.values.payload_size import fit_payload
from producer.values.row_payload import PayloadOf
from vitrine.core.types import CatalogItem

_MAX_EXACT_FLOAT = 2**53
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Validator:
    """Turns rows into items, with one catalog's columns and image root."""

    def __init__(
        self,
        columns: Columns,
        root: ImageRoot,
        payload_of: PayloadOf,
        doubts: Doubts,
        separator: str | None = None,
        *,
        needs_picture: bool = True,
        checked: PictureNames | None = None,
    ) -> None:
        """With `needs_picture` False a row may have none: another row of its item has them."""
        self._id = columns.id
        self._images = columns.images
        self._url = root.url if checked is None else checked.url
        self._payload_of = payload_of
        self._doubts = doubts
        self._separator = separator
        self._needs_picture = needs_picture

    def item(self, row: Row) -> CatalogItem:
        """Return the row's item; raise `RowError`."""
        values = row.values
        self._doubts.line = row.line
        item_id = self._checked_id(values)
        images = self._pictures(values)
        payload = self._payload_of(values)
        for name in fit_payload(payload):
            self._doubts.cut(name, self._doubts.place)
        return CatalogItem(item_id, images, payload)

    def _checked_id(self, values: Mapping[str, Any]) -> str:
        value = values.get(self._id)
        # An object was flattened into dotted names, so no value is left under its own name.
        if value is None and any(name.startswith(f"{self._id}.") for name in values):
            raise RowError(
                "expected a text or a whole number, found an object", field=self._id, code="bad_id"
            )
        return _checked_id(self._id, value)

    def _pictures(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        urls: dict[str, None] = {}  # ordered and unique: main pictures are often repeated
        for name in self._images:
            try:
                for value in image_values(values.get(name), self._separator):
                    urls[self._url(value)] = None
            except RowError as flaw:
                raise RowError(flaw.message, field=name, code=_image_code(flaw)) from None
        if not urls and self._needs_picture:
            field = ", ".join(self._images)
            raise RowError(
                "expected at least one picture, found none", field=field, code="no_image"
            )
        if len(urls) > MAX_IMAGES_PER_ITEM:
            raise RowError(
                f"expected at most {MAX_IMAGES_PER_ITEM} pictures an item, found {len(urls)}",
                field=", ".join(self._images),
                code="too_many_images",
            )
        return tuple(urls)


def _checked_id(field: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        raise RowError("expected an id, found none", field=field, code="empty_id")
    if isinstance(value, float | decimal.Decimal):
        return _whole_number(field, value)
    if not isinstance(value, str):
        raise RowError(
            f"expected a text or a whole number, found {shown(value)}", field=field, code="bad_id"
        )
    text = value.strip()
    if not text:
        raise RowError("expected an id, found blanks", field=field, code="empty_id")
    if not text.isprintable() and _UNPRINTABLE.search(text):
        raise RowError(f"a control character in {shown(text)}", field=field, code="bad_id")
    if len(text) * 4 > MAX_ID_BYTES and len(text.encode()) > MAX_ID_BYTES:
        raise RowError(
            f"expected at most {MAX_ID_BYTES} bytes, found {len(text.encode())}",
            field=field,
            code="bad_id",
        )
    return text


def _whole_number(field: str, value: float | decimal.Decimal) -> str:
    """Return the id that a data frame or spreadsheet has turned into `101.0`."""
    if math.isnan(value):
        raise RowError("expected an id, found none (NaN)", field=field, code="empty_id")
    if not math.isfinite(value) or value != int(value):
        raise RowError(
            f"expected a text or a whole number, found {shown(value)}", field=field, code="bad_id"
        )
    if isinstance(value, float) and abs(value) > _MAX_EXACT_FLOAT:
        raise RowError(
            f"expected a text or a whole number, found {value:.0f} as a float, which has lost digits; "
            "store ids as text or integers",
            field=field,
            code="bad_id",
        )
    return str(int(value))


def _image_code(flaw: RowError) -> str:
    return "bad_image" if flaw.code == "malformed_row" else flaw.code
