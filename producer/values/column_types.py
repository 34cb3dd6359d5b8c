"""The type of each payload column, detected from the first rows and reported so that users can check the guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from producer.row import Row
from producer.row_errors import RowError
from producer.values.row_payload import PayloadOf, RowPayload
from vitrine.core.datetimes import is_datetime

Kinds: TypeAlias = Mapping[str, str]
"""Column to kind: `text`, `int`, `float`, `bool`, `list`, `datetime`; `int or text` if it varies, `empty` if no value was seen."""

_NAMES = {str: "text", int: "int", float: "float", bool: "bool", list: "list"}


def kinds_of(payload: RowPayload, sample: Iterable[Row]) -> dict[str, str]:
    """Return the kinds of the payload's columns in the sample; invalid rows are ignored."""
    seen: dict[str, set[str]] = {name: set() for name in payload.names}
    for row in sample:
        for name, value in _values(row.values, payload.of):
            seen.setdefault(name, set()).add(_kind(value))
    return {name: " or ".join(sorted(kinds)) or "empty" for name, kinds in seen.items()}


def _kind(value: object) -> str:
    return "datetime" if isinstance(value, str) and is_datetime(value) else _NAMES[type(value)]


def _values(values: Mapping[str, Any], payload_of: PayloadOf) -> list[tuple[str, object]]:
    try:
        return list(payload_of(values).items())
    except RowError:
        return []
