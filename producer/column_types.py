"""The type of each payload column, detected from the first rows and reported so that users can check the guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from producer.readers.base import Row
from producer.row_errors import RowError
from producer.validate import PayloadOf

Kinds: TypeAlias = Mapping[str, str]
"""Column to kind: `text`, `int`, `float`, `bool`, `list`; `int or text` if it varies, `empty` if no value was seen."""

_NAMES = {str: "text", int: "int", float: "float", bool: "bool", list: "list"}


def kinds_of(names: Sequence[str], sample: Iterable[Row], payload_of: PayloadOf) -> dict[str, str]:
    """Return the kinds of these columns in the sample; invalid rows are ignored."""
    seen: dict[str, set[str]] = {name: set() for name in names}
    for row in sample:
        for name, value in _values(row.values, payload_of):
            seen.setdefault(name, set()).add(_NAMES[type(value)])
    return {name: " or ".join(sorted(kinds)) or "empty" for name, kinds in seen.items()}


def _values(values: Mapping[str, Any], payload_of: PayloadOf) -> list[tuple[str, object]]:
    try:
        return list(payload_of(values).items())
    except RowError:
        return []
