"""Validation of one row: a `CatalogItem`, or a `RowError` that names the field and what was expected.

Every row passes through here, so each check starts with a cheap test that good rows pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from producer.cells import Cast, cell_value, choose_cast
from producer.columns import Columns
from producer.image_cell import image_values
from producer.image_url import ImageRoot
from producer.limits import MAX_ID_BYTES, MAX_IMAGES_PER_ITEM, MAX_PAYLOAD_BYTES
from producer.payload import payload_value
from producer.readers.base import Row
from producer.row_errors import RowError, shown
from vitrine.core.types import CatalogItem, PayloadValue

PayloadOf: TypeAlias = Callable[[Mapping[str, Any]], dict[str, PayloadValue]]

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Validator:
    """Turns rows into items, with one catalog's columns and image root."""

    def __init__(
        self,
        columns: Columns,
        root: ImageRoot,
        payload_of: PayloadOf,
        separator: str | None = None,
        *,
        needs_picture: bool = True,
    ) -> None:
        """With `needs_picture` False a row may have none: another row of its item has them."""
        self._id = columns.id
        self._images = columns.images
        self._url = root.url
        self._payload_of = payload_of
        self._separator = separator
        self._needs_picture = needs_picture

    def item(self, row: Row) -> CatalogItem:
        """Return the row's item; raise `RowError`."""
        values = row.values
        item_id = self._checked_id(values)
        images = self._pictures(values)
        payload = self._payload_of(values)
        check_size(payload)
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


def cell_payload(columns: Columns, names: Sequence[str], sample: Sequence[Row]) -> PayloadOf:
    """Return the function that makes the payload of rows of texts, with a type for each column from the first rows.

    Rows of XML can lack columns, have more of them, and hold lists in their cells.
    """
    texts = _texts_by_column(sample)
    casts: dict[str, Cast | None] = dict.fromkeys(names)
    casts |= {name: choose_cast(texts.get(name, ())) for name in columns.payload_of(names)}

    def payload_of(values: Mapping[str, Any]) -> dict[str, PayloadValue]:
        payload: dict[str, PayloadValue] = {}
        for name, cell in values.items():
            if not cell:
                continue
            try:
                cast = casts[name]
            except KeyError:  # a column that none of the first rows has
                cast = cell_value if columns.payload_of((name,)) == (name,) else None
            if cast is None:
                continue
            value = cast(cell) if isinstance(cell, str) else _list_value(name, cell, cast)
            if value is not None:
                payload[name] = value
        return payload

    return payload_of


def _texts_by_column(sample: Sequence[Row]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for row in sample:
        for name, cell in row.values.items():
            cells = cell if isinstance(cell, list) else (cell,)
            texts.setdefault(name, []).extend(one for one in cells if isinstance(one, str))
    return texts


def _list_value(name: str, cells: list[Any], cast: Cast) -> PayloadValue:
    """Return a list's texts as its column has them, as numbers if all of them are."""
    numbers: list[float] = []
    for cell in cells:
        value = cast(cell) if isinstance(cell, str) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return payload_value(name, cells)
        numbers.append(value)
    return numbers


def typed_payload(columns: Columns) -> PayloadOf:
    """Return the function that makes the payload of rows with typed values; rows can differ in their fields."""

    def payload_of(values: Mapping[str, Any]) -> dict[str, PayloadValue]:
        payload: dict[str, PayloadValue] = {}
        for name in columns.payload_of(tuple(values)):
            if (value := payload_value(name, values.get(name))) is not None:
                payload[name] = value
        return payload

    return payload_of


def _checked_id(field: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        raise RowError("expected an id, found none", field=field, code="empty_id")
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


def check_size(payload: Mapping[str, PayloadValue]) -> None:
    """Raise `RowError` for a payload that is no JSON or has more than `MAX_PAYLOAD_BYTES` as JSON, naming the largest field."""
    try:
        size = len(orjson.dumps(payload))
    except orjson.JSONEncodeError as error:
        raise RowError(f"a field that is no JSON: {error}", code="bad_value") from error
    if size > MAX_PAYLOAD_BYTES:
        largest = max(payload, key=lambda name: len(orjson.dumps(payload[name])))
        raise RowError(
            f"expected at most {MAX_PAYLOAD_BYTES} bytes of payload, found {size}, most of them here; "
            "choose fewer payload columns",
            field=largest,
            code="payload_too_large",
        )


def _image_code(flaw: RowError) -> str:
    return "bad_image" if flaw.code == "malformed_row" else flaw.code
