"""Types of Parquet columns: what is left of one without raw bytes, and how much memory its values take.

The decoder's process imports this and nothing else of vitrine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SCALAR_BYTES = 16
"""Bytes counted for a number, a date or an entry in a list."""


def without_bytes(kind: Any) -> Any | None:
    """Return the type without raw bytes, such as pictures beside their names; None if nothing is left of it."""
    types = pa.types
    if types.is_struct(kind):
        fields = [(field, without_bytes(field.type)) for field in kind]
        left = [field.with_type(inner) for field, inner in fields if inner is not None]
        return pa.struct(left) if left else None
    if types.is_list(kind) or types.is_large_list(kind):
        inner = without_bytes(kind.value_type)
        if inner is None or inner == kind.value_type:
            return kind if inner is not None else None
        listed = pa.list_ if types.is_list(kind) else pa.large_list
        return listed(kind.value_field.with_type(inner))
    return kind if next(names_of_bytes("", kind), None) is None else None


def _inner(kind: Any) -> list[tuple[str, Any]]:
    """Return the types within a type, with the names that are added to its own; none for a leaf."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return [("", kind.storage_type)]
    if types.is_struct(kind):
        return [(f".{field.name}", field.type) for field in kind]
    if types.is_map(kind):
        return [("", kind.key_type), ("", kind.item_type)]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return [("", kind.value_type)]
    return [("", kind.value_type)] if types.is_dictionary(kind) else []


def names_of_bytes(name: str, kind: Any) -> Iterator[str]:
    """Yield the dotted names of raw bytes in a column of this name and type."""
    if _holds_bytes(kind):
        yield name
    for more, inner in _inner(kind):
        yield from names_of_bytes(f"{name}{more}", inner)


def leaves_kept(kind: Any) -> Iterator[bool]:
    """Yield, for each of the file's columns that make up a type, whether it is read."""
    is_kept = without_bytes(kind) is not None
    for each in [kept for _, inner in _inner(kind) for kept in leaves_kept(inner)] or [is_kept]:
        yield is_kept and each


def weights(array: Any) -> NDArray[np.int64]:
    """Return the decoded bytes of each value, [n]; a value stored once in a dictionary counts wherever it is referenced."""
    kind, types = array.type, pa.types
    if types.is_dictionary(kind):
        each = np.append(weights(array.dictionary), 0)  # the last entry is the weight of a null
        return _int64(each[_numbers(pc.fill_null(array.indices.cast(pa.int64()), -1))])
    if types.is_struct(kind):
        inner = [weights(array.field(place)) for place in range(kind.num_fields)]
        return _int64(np.sum([np.full(len(array), SCALAR_BYTES, np.int64), *inner], axis=0))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        return _weights_listed(array)
    if types.is_fixed_size_list(kind):
        parts = weights(array.values.slice(array.offset * kind.list_size))
        return _int64(parts[: len(array) * kind.list_size].reshape(len(array), -1).sum(axis=1))
    if _holds_text(kind):
        return _numbers(pc.fill_null(pc.binary_length(array), 0)) + SCALAR_BYTES
    return np.full(len(array), SCALAR_BYTES, np.int64)


def _weights_listed(array: Any) -> NDArray[np.int64]:
    ends = _numbers(array.offsets)
    inner = weights(array.values.slice(ends[0], ends[-1] - ends[0]))
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(inner)])
    places = ends - ends[0]
    return _int64(sums[places[1:]] - sums[places[:-1]] + SCALAR_BYTES)


def _numbers(array: Any) -> NDArray[np.int64]:
    return _int64(array.to_numpy(zero_copy_only=False))


def _int64(values: Any) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)


def dense(kind: Any) -> Any:
    """Return the type without dictionaries, so that the output repeats values instead of referencing them."""
    types = pa.types
    if types.is_dictionary(kind):
        return dense(kind.value_type)
    if types.is_list(kind) and _named_twice(kind):
        return pa.list_(kind.value_field.with_type(dense(kind.value_type)))
    if types.is_struct(kind) and _named_twice(kind):
        return pa.struct([field.with_type(dense(field.type)) for field in kind])
    return kind


def _named_twice(kind: Any) -> bool:
    inner = [kind.field(place).type for place in range(kind.num_fields)]
    return any(pa.types.is_dictionary(each) or _named_twice(each) for each in inner)


def _holds_bytes(kind: Any) -> bool:
    types = pa.types
    return any(
        is_one(kind)
        for is_one in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    )


def _holds_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or _holds_bytes(kind)
