"""Operations of a store process: the methods of `VectorStore` by name, over any store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vitrine.core.filters import MAX_DEPTH, Filter, parse_filter
from vitrine.store.base import StoredPoint, VectorStore
from vitrine.store.remote.protocol import encode_frame, encode_points, groups_as_json, read_batch
from vitrine.store.spaces import space_from_json

Header: TypeAlias = Mapping[str, Any]
Operation: TypeAlias = Callable[[VectorStore, Header, NDArray[np.float32]], bytes]

SCROLL_FRAME = 256  #: Points per frame of a scroll.


def _ping(store: VectorStore, _: Header, __: NDArray[np.float32]) -> bytes:
    store.ping()
    return encode_frame({})


def _ensure(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    store.ensure(header["name"], space_from_json(header["space"]))
    return encode_frame({})


def _upsert(store: VectorStore, header: Header, vectors: NDArray[np.float32]) -> bytes:
    store.upsert(header["name"], read_batch(header, vectors))
    return encode_frame({})


def _search(store: VectorStore, header: Header, vectors: NDArray[np.float32]) -> bytes:
    if len(vectors) != 1:
        raise ValueError("a search has one vector")
    groups = store.search(
        header["name"],
        vectors[0],
        top=header["top"],
        where=_where(header),
        exclude_items=header["exclude_items"],
        per_item=header["per_item"],
        exact=header["exact"],
    )
    return encode_frame({"groups": groups_as_json(groups)})


def _item(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_points(store.item(header["name"], header["item_id"]))


def _points(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_points(store.points(header["name"], header["ids"]))


def _sample(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({}, store.sample(header["name"], header["count"]))


def _count(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({"count": store.count(header["name"], _where(header))})


def _facet(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    found = store.facet(header["name"], header["field"], where=_where(header), top=header["top"])
    return encode_frame({"facet": asdict(found)})


def _space(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({"space": asdict(store.space(header["name"]))})


def _indexed_fields(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({"fields": dict(store.indexed_fields(header["name"]))})


def _describe(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({"collection": asdict(store.describe(header["name"]))})


def _footprint(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({"footprint": asdict(store.footprint(header["name"]))})


def _collections(store: VectorStore, _: Header, __: NDArray[np.float32]) -> bytes:
    return encode_frame({"collections": [asdict(info) for info in store.collections()]})


def _delete(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    store.delete(header["name"])
    return encode_frame({})


def _defer_index(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    store.defer_index(header["name"])
    return encode_frame({})


def _build_index(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    store.build_index(header["name"])
    return encode_frame({})


def _index_state(store: VectorStore, header: Header, _: NDArray[np.float32]) -> bytes:
    return encode_frame({"index": asdict(store.index_state(header["name"]))})


def _deferred(store: VectorStore, _: Header, __: NDArray[np.float32]) -> bytes:
    return encode_frame({"names": store.deferred()})


OPERATIONS: dict[str, Operation] = {
    "ping": _ping,
    "ensure": _ensure,
    "upsert": _upsert,
    "search": _search,
    "item": _item,
    "points": _points,
    "sample": _sample,
    "count": _count,
    "facet": _facet,
    "space": _space,
    "indexed_fields": _indexed_fields,
    "describe": _describe,
    "footprint": _footprint,
    "collections": _collections,
    "delete": _delete,
    "defer_index": _defer_index,
    "build_index": _build_index,
    "index_state": _index_state,
    "deferred": _deferred,
}


def scroll(store: VectorStore, header: Header) -> Iterator[bytes]:
    """Yield every point of a collection as frames. The last frame is marked as the end, so a cut stream is detected."""
    return _frames(iter(store.scroll(header["name"], with_vectors=header["with_vectors"])))


def _frames(points: Iterator[StoredPoint]) -> Iterator[bytes]:
    while page := list(islice(points, SCROLL_FRAME)):
        yield encode_points(page)
    yield encode_frame({"end": True})


def _where(header: Header) -> Filter | None:
    where = header.get("where")
    return None if where is None else parse_filter(where, max_depth=2 * MAX_DEPTH)
