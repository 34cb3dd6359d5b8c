"""Index type and payload path of each catalog field.

All numbers are indexed as floats: if a field's first value is 10 and its second 9.99, an integer index
would lose the second. A float index handles equality as a range of one value. Identifiers written as
integers stay exact up to 2**53; above that, equality reads the payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from vitrine.core.filters import is_filterable
from vitrine.core.types import Payload, PayloadValue
from vitrine.store.base import FIELDS_FIELD

IndexType: TypeAlias = Literal["keyword", "float", "bool"]

MAX_INDEXED_FIELDS = 64
"""Each index costs memory per point and time per upsert. Filters on fields beyond this limit scan the points."""

EXACT_FLOAT_INTEGER = 2**53  #: Above this, neighbouring integers map to the same float.


def index_type(value: PayloadValue) -> IndexType | None:
    """Return the index type for a value, or None if the value does not reveal the field's type."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "float"
    if isinstance(value, str) or (isinstance(value, list) and value):
        return "keyword"
    return None


def new_index_types(rows: Iterable[Payload], known: Mapping[str, str]) -> dict[str, IndexType]:
    """Return the fields to index now: those not yet `known`, typed by their first value in `rows`."""
    room = MAX_INDEXED_FIELDS - len(known)
    found: dict[str, IndexType] = {}
    for row in rows:
        for field, value in row.items():
            if len(found) >= room:
                return found
            if field in known or field in found or not is_filterable(field):
                continue
            kind = index_type(value)
            if kind is not None:
                found[field] = kind
    return found


def payload_path(field: str) -> str:
    """Return a catalog field's path in a payload, quoted because its name may contain dots, brackets and spaces."""
    return f'{FIELDS_FIELD}."{field}"'


def field_of_path(path: str) -> str | None:
    """Return the catalog field of an indexed path, or None for paths outside the catalog's fields."""
    field = path.removeprefix(FIELDS_FIELD + ".")
    return None if field == path else field.removeprefix('"').removesuffix('"')
