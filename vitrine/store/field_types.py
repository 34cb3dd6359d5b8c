"""Catalog fields as the store sees them: the type of index each one gets, and its path in a payload.

All numbers are indexed as floats: a field whose first value is 10 and whose second is 9.99 would
lose the second from an integer index, and a float index answers equality as a range of one value.
Identifiers that are written as integers stay exact up to 2**53; beyond it equality reads the payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from vitrine.core.filters import is_filterable
from vitrine.core.types import Payload, PayloadValue
from vitrine.store.base import FIELDS_FIELD

IndexType: TypeAlias = Literal["keyword", "float", "bool"]

MAX_INDEXED_FIELDS = 64
"""Indexes cost memory for each point and time for each upsert; fields beyond these filter by scanning."""

EXACT_FLOAT_INTEGER = 2**53  #: Beyond it, neighbouring integers are one float.


def index_type(value: PayloadValue) -> IndexType | None:
    """The index that suits a value; None where it says nothing about the field's type."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "float"
    if isinstance(value, str) or (isinstance(value, list) and value):
        return "keyword"
    return None


def new_index_types(rows: Iterable[Payload], known: Mapping[str, str]) -> dict[str, IndexType]:
    """The fields that should get an index now: not yet `known`, typed by their first value in `rows`."""
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
    """Where a catalog field stands in a payload, quoted: its name may hold dots, brackets and spaces."""
    return f'{FIELDS_FIELD}."{field}"'


def field_of_path(path: str) -> str | None:
    """The catalog field of an indexed path; None for paths outside the catalog's fields."""
    field = path.removeprefix(FIELDS_FIELD + ".")
    return None if field == path else field.removeprefix('"').removesuffix('"')
