"""The size of a payload, which is stored with each picture: one that is too large has its long texts cut."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from producer.limits import MAX_PAYLOAD_BYTES, MAX_TEXT_CHARS
from producer.row_errors import RowError
from producer.values.texts import cut_text
from vitrine.core.types import PayloadValue


def fit_payload(payload: dict[str, PayloadValue]) -> list[str]:
    """Cut the long texts of a payload that is larger than `MAX_PAYLOAD_BYTES`, and return the names of their fields.

    Raises `RowError` for a payload that is no JSON, or too large even then, naming the largest field.
    """
    if _size(payload) <= MAX_PAYLOAD_BYTES:
        return []
    names = []
    for name, value in payload.items():
        if (shorter := _cut(value)) != value:
            payload[name] = shorter
            names.append(name)
    size = _size(payload)
    if size > MAX_PAYLOAD_BYTES:
        largest = max(payload, key=lambda name: len(orjson.dumps(payload[name])))
        raise RowError(
            f"expected at most {MAX_PAYLOAD_BYTES} bytes of payload, found {size}, most of them here; "
            "choose fewer payload columns",
            field=largest,
            code="payload_too_large",
        )
    return names


def _size(payload: Mapping[str, PayloadValue]) -> int:
    try:
        return len(orjson.dumps(payload))
    except orjson.JSONEncodeError as error:
        raise RowError(f"a field that is no JSON: {error}", code="bad_value") from error


def _cut(value: PayloadValue) -> PayloadValue:
    if isinstance(value, str):
        return cut_text(value, MAX_TEXT_CHARS)
    if isinstance(value, list):
        texts = [cut_text(entry, MAX_TEXT_CHARS) for entry in value if isinstance(entry, str)]
        return texts if len(texts) == len(value) else value
    return value
