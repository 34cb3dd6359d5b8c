"""A row's payload from typed values (JSON, Parquet).

Nested objects are flattened: `{"size": {"eu": 42}}` is `size.eu`. A list of numbers stays one, one of
other scalars is a list of texts; a list that holds objects or lists is stored as JSON text, so that nothing is lost, although filters cannot
match inside it. None and empty texts are left out. Dates become UTC texts (`2026-11-30T10:00:00Z`), decimals floats.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from producer.limits import MAX_NESTING
from producer.row_errors import RowError, shown
from producer.values.cells import MAX_EXACT_INT, is_scalar_list, scalar_list
from producer.values.dates import normal_datetime
from producer.values.texts import clean_text
from vitrine.core.types import PayloadValue


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with nested objects flattened to dotted names; a flat row is copied unchanged."""
    if not any(isinstance(value, dict) for value in values.values()):
        return dict(values)
    flat: dict[str, Any] = {}
    _flatten_into(flat, "", values, MAX_NESTING)
    return flat


def payload_value(name: str, value: object) -> PayloadValue:
    """Return a value as the store accepts it, None if it is empty; raise `RowError` if it cannot be stored."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return (value if value.isascii() and "&" not in value else clean_text(value)) or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | decimal.Decimal):
        return _number(name, value)
    if isinstance(value, list | tuple):
        return _list(name, list(value)) if value else None
    return _text(name, value)


def _number(name: str, value: int | float | decimal.Decimal) -> PayloadValue:
    if isinstance(value, int):
        return value if abs(value) <= MAX_EXACT_INT else str(value)
    number = float(value)
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return None  # data frames write a missing value as NaN
    raise RowError(f"expected a finite number, found {number}", field=name, code="bad_value")


def _text(name: str, value: object) -> str:
    if isinstance(value, dt.date):
        return normal_datetime(value) or value.isoformat()
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID | dt.timedelta):
        return str(value)
    raise RowError(
        f"expected text, a number, true/false or a list, found {shown(value)}",
        field=name,
        code="bad_value",
    )


def _list(name: str, values: list[Any]) -> PayloadValue:
    if set(map(type, values)) == {str}:
        return [
            value if value.isascii() and "&" not in value else clean_text(value) for value in values
        ]
    present = [entry for value in values if (entry := _entry(value)) is not None]
    try:
        if is_scalar_list(present):
            return scalar_list(present)
        return orjson.dumps(values, default=str).decode()
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise RowError(f"a list that is no JSON: {error}", field=name, code="bad_value") from error


def _entry(value: Any) -> Any:
    """Return an entry of a list as a value by itself: dates as texts, decimals as floats, a missing number as None."""
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, dt.date):
        return normal_datetime(value) or value.isoformat()
    return value


def _flatten_into(
    flat: dict[str, Any], prefix: str, values: Mapping[str, Any], levels: int
) -> None:
    if levels == 0:
        raise RowError(
            f"objects nested more than {MAX_NESTING} deep", field=prefix[:-1], code="bad_value"
        )
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            _flatten_into(flat, f"{name}.", value, levels - 1)
        elif name in flat:
            raise RowError(
                "two fields of this name, one of them nested", field=name, code="bad_value"
            )
        else:
            flat[name] = value
