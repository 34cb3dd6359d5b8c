"""A row's payload, with each column read as its first values decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from producer.columns import Columns
from producer.row import Row
from producer.row_errors import RowError
from producer.values.casts import Cast, choose_column
from producer.values.cells import cell_value, scalar_list
from producer.values.doubts import Doubts
from producer.values.payload import payload_value
from producer.values.typed_columns import TypedColumn, choose_typed
from vitrine.core.types import PayloadValue

PayloadOf: TypeAlias = Callable[[Mapping[str, Any]], dict[str, PayloadValue]]

_SUFFIX = "_currency"
_AMOUNT_KEYS = ("amount", "value")
_CURRENCY_KEYS = ("currency", "currencyCode", "currency_code")
"""Of an object that is a price, such as `{"amount": 19.99, "currency": "EUR"}`, flattened into dotted names."""


@dataclass(frozen=True, slots=True)
class RowPayload:
    """How rows become payloads; `names` are the fields as they are stored, as far as the first rows show them."""

    of: PayloadOf
    names: tuple[str, ...]
    stored_as: Mapping[str, str] = field(default_factory=dict)  #: Fields stored under another name.


def cell_payload(
    columns: Columns, names: Sequence[str], sample: Sequence[Row], doubts: Doubts
) -> RowPayload:
    """Return the payload of rows of texts.

    Rows of XML can lack columns, have more of them, and hold lists in their cells.
    """
    chosen = [
        choose_column(name, _texts(sample, name), doubts) for name in columns.payload_of(names)
    ]
    casts: dict[str, Cast | None] = dict.fromkeys(names)
    casts |= {column.name: column.cast for column in chosen}
    currencies = [
        (column.name, f"{column.name}{_SUFFIX}", column.currency)
        for column in chosen
        if column.currency is not None
    ]

    def payload_of(values: Mapping[str, Any]) -> dict[str, PayloadValue]:
        payload: dict[str, PayloadValue] = {}
        for name, cell in values.items():
            if not cell:
                continue
            try:
                cast = casts[name]
            except KeyError:  # a column that none of the first rows has
                cast = cell_value if columns.payload_of((name,)) == (name,) else None
            if (
                cast is not None
                and (value := cast(cell) if cell.__class__ is str else _entries(name, cell, cast))
                is not None
            ):
                payload[name] = value
        for name, added, currency in currencies:
            _add_currency(payload, added, values.get(name), currency)
        return payload

    stored = (*(column.name for column in chosen), *(added for _, added, _ in currencies))
    return RowPayload(payload_of, tuple(dict.fromkeys(stored)))


def typed_payload(
    columns: Columns, names: Sequence[str], sample: Sequence[Row], doubts: Doubts
) -> RowPayload:
    """Return the payload of rows with typed values; rows can differ in their fields."""
    wanted = columns.payload_of(names)
    every = columns.payload is None
    stored_as = _prices_of_objects(wanted, names) if every else {}
    chosen = {
        name: column
        for name in wanted
        if (column := choose_typed(stored_as.get(name, name), _typed(sample, name), doubts))
    }
    left = frozenset((columns.id, *columns.images, "")) | columns.left_out if every else frozenset()
    money = {
        name: (f"{stored_as.get(name, name)}{_SUFFIX}", currency)
        for name, read in chosen.items()
        if read.column is not None and (currency := read.column.currency) is not None
    }

    def payload_of(values: Mapping[str, Any]) -> dict[str, PayloadValue]:
        payload: dict[str, PayloadValue] = {}
        for name in values if every else wanted:
            found = None if name in left else values.get(name)
            if found is None or (value := payload_value(name, found)) is None:
                continue
            if (read := chosen.get(name)) is not None and type(value) not in read.fitting:
                value = _fitted(name, value, read, doubts)
            if value is not None:
                payload[stored_as.get(name, name)] = value
        for name, (added, currency) in money.items():
            _add_currency(payload, added, values.get(name), currency)
        return payload

    stored = [stored_as.get(name, name) for name in wanted]
    stored += [added for added, _ in money.values()]
    return RowPayload(payload_of, tuple(dict.fromkeys(stored)), stored_as)


def _fitted(name: str, value: PayloadValue, read: TypedColumn, doubts: Doubts) -> PayloadValue:
    """Return a text as its column reads it; a value of another kind stays, and is counted."""
    if isinstance(value, str) and read.column is not None:
        return read.column.cast(value)
    doubts.odd(name, read.expected)
    return value


def _prices_of_objects(wanted: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the shorter names of `price.amount` and `price.currency`, unless other fields have those names."""
    shorter: dict[str, str] = {}
    for name in wanted:
        base, _, last = name.rpartition(".")
        if (
            not base
            or last not in _AMOUNT_KEYS
            or {base, f"{base}{_SUFFIX}"} & {*names, *shorter.values()}
        ):
            continue
        currency = next(
            (f"{base}.{key}" for key in _CURRENCY_KEYS if f"{base}.{key}" in wanted), None
        )
        if currency is not None:
            shorter |= {name: base, currency: f"{base}{_SUFFIX}"}
    return shorter


def _add_currency(
    payload: dict[str, PayloadValue], name: str, found: Any, currency: Callable[[str], str | None]
) -> None:
    """Add the currency of one field, unless the row has a field of that name."""
    texts = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    named = dict.fromkeys(
        code for text in texts if isinstance(text, str) and (code := currency(text))
    )
    if named:
        codes = list(named)
        payload.setdefault(name, codes[0] if len(codes) == 1 else codes)


def _entries(name: str, found: Any, cast: Cast) -> PayloadValue:
    """Return a list of texts with each entry read as the column's cells are; None if there is nothing in it."""
    if not all(isinstance(entry, str | None) for entry in found):
        return payload_value(name, found)
    read: list[Any] = []
    for entry in found:
        value = cast(entry) if entry else None
        read.extend(value if isinstance(value, list) else () if value is None else (value,))
    return scalar_list(read) if read else None


def _texts(sample: Sequence[Row], name: str) -> Iterator[str]:
    for row in sample:
        found = row.values.get(name)
        if isinstance(found, str):
            yield found
        elif isinstance(found, list):
            yield from (entry for entry in found if isinstance(entry, str))


def _typed(sample: Sequence[Row], name: str) -> Iterator[PayloadValue]:
    for row in sample:
        if (found := row.values.get(name)) is not None:
            with suppress(RowError):  # reported when the row is read
                yield payload_value(name, found)
