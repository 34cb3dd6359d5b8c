"""Refuse filters on fields that a collection does not have: a mistyped name would find nothing, without a word."""

from __future__ import annotations

import difflib

from vitrine.core.errors import BadInput
from vitrine.core.filters import Filter, filter_fields
from vitrine.store import VectorStore
from vitrine.store.field_types import MAX_INDEXED_FIELDS

MAX_NAMED = 20  #: Fields that a message lists.


def check_fields(store: VectorStore, name: str, where: Filter | None) -> None:
    """Raise `BadInput`, with the nearest name, if the filter names a field that no point of the collection has.

    Every field of a catalog is indexed when its first value is stored, up to `MAX_INDEXED_FIELDS`. A collection with so
    many may have more fields, and one without any has nothing to compare with: those pass.
    """
    if where is None:
        return
    known = store.indexed_fields(name)
    if not known or len(known) >= MAX_INDEXED_FIELDS:
        return
    for field in sorted(filter_fields(where) - known.keys()):
        raise BadInput(
            f"filter: the collection {name} has no field {field[:40]!r}.",
            hint=nearest_field(field, sorted(known)),
        )


def nearest_field(field: str, known: list[str]) -> str:
    """The field of `known` that a mistyped one may stand for, as a hint; without one, what there is."""
    folded = {name.casefold(): name for name in reversed(known)}
    if near := difflib.get_close_matches(field.casefold(), folded, n=1):
        return f"Did you mean {folded[near[0]]!r}?"
    more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
    return f"Its fields are {', '.join(known[:MAX_NAMED])}{more}."
