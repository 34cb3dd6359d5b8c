"""Index type and payload path of each catalog field.

All numbers are indexed as floats: if a field's first value is 10 and its second 9.99, an integer index
would lose the second. A float index handles equality as a range of one value. Identifiers written as
integers stay exact up to 2**53; above that, equality reads the payload.

Datetimes are indexed under a payload key of their own (`vitrine.store.dates`), because an engine that indexes a field as
one type no longer finds its values of another type by a range. So a field whose values are of several kinds keeps its
first value's index, gets an index of its datetimes too, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from vitrine.core.datetimes import is_datetime
from vitrine.core.filters import is_filterable
from vitrine.core.types import PayloadValue
from vitrine.store.base import DATES_FIELD, FIELDS_FIELD

IndexType: TypeAlias = Literal["keyword", "float", "bool", "datetime"]

MAX_INDEXED_FIELDS = 64
"""Each index costs memory per point and time per upsert. Filters on fields beyond this limit scan the points."""

EXACT_FLOAT_INTEGER = 2**53  #: Above this, neighbouring integers map to the same float.


@dataclass(slots=True)
class FieldIndexes:
    """The indexes of a collection's catalog fields: payload path -> type. Grows as fields appear."""

    by_path: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_schema(cls, schema: Iterable[tuple[str, str]]) -> FieldIndexes:
        """Return those of the collection's indexes that vitrine created for catalog fields."""
        return cls({path: kind for path, kind in schema if _is_field_index(path, kind)})

    def kinds(self) -> dict[str, str]:
        """Return each indexed field's type: `datetime` if its datetimes are the only values that are indexed."""
        # A copy: another thread may be adding an index.
        fields = [(_field_of(path), kind) for path, kind in self.by_path.copy().items()]
        dated = {name: kind for name, kind in fields if kind == "datetime"}
        return dated | {name: kind for name, kind in fields if kind != "datetime"}

    def knows(self, name: str) -> bool:
        """Return whether the field has an index."""
        return payload_path(name) in self.by_path or self.has_dates(name)

    def has_dates(self, name: str) -> bool:
        """Return whether the field's datetimes are indexed; they are from the first one on."""
        return date_path(name) in self.by_path

    def missing(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Return the indexes to create before these payloads are stored, as path -> type.

        A field that has no index yet is typed by its first value.
        """
        known = self.kinds()
        dated: set[str] = set()
        found: dict[str, str] = {}
        for row in rows:
            for name, value in row[FIELDS_FIELD].items():
                if name in known or len(known) >= MAX_INDEXED_FIELDS or not is_filterable(name):
                    continue
                kind = index_type(value)
                if kind is not None:
                    known[name] = kind
                    found[_index_path(name, kind)] = kind
            dated.update(row.get(DATES_FIELD, ()))
        more = (date_path(name) for name in dated if name in known)
        return found | {path: "datetime" for path in more if path not in self.by_path}


def index_type(value: PayloadValue) -> IndexType | None:
    """Return the index type for a value, or None if it does not reveal the field's type. A list is its first element."""
    if isinstance(value, list):
        return next((kind for each in value if (kind := index_type(each)) is not None), None)
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "float"
    if isinstance(value, str):
        return "datetime" if is_datetime(value) else "keyword"
    return None


def payload_path(name: str) -> str:
    """Return a catalog field's path in a payload, quoted because its name may contain dots, brackets and spaces."""
    return f'{FIELDS_FIELD}."{name}"'


def date_path(name: str) -> str:
    """Return the path of a catalog field's datetimes in a payload."""
    return f'{DATES_FIELD}."{name}"'


def _index_path(name: str, kind: IndexType) -> str:
    return date_path(name) if kind == "datetime" else payload_path(name)


def _is_field_index(path: str, kind: str) -> bool:
    parent = DATES_FIELD if kind == "datetime" else FIELDS_FIELD
    return path.startswith(f"{parent}.")


def _field_of(path: str) -> str:
    return path.partition(".")[2].removeprefix('"').removesuffix('"')
