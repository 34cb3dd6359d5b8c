"""Client of a store process: a full `VectorStore` that exchanges frames (see `protocol`) over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vitrine.core.errors import BadInput, StoreUnavailable
from vitrine.core.filters import Filter, to_json
from vitrine.store.base import (
    CollectionInfo,
    EmbeddingSpace,
    Footprint,
    IndexState,
    ItemHits,
    PointBatch,
    StoredPoint,
)
from vitrine.store.checks import checked_payloads
from vitrine.store.facets import Facet
from vitrine.store.remote.connections import ConnectionPool
from vitrine.store.remote.protocol import (
    MAX_BODY,
    batch_header,
    encode_frame,
    error_from_json,
    read_error,
    read_facet,
    read_frame,
    read_groups,
    read_info,
    read_points,
)
from vitrine.store.spaces import space_from_json

Reply: TypeAlias = tuple[dict[str, Any], NDArray[np.float32]]


class RemoteStore:
    """A store served by another process (`vitrine store`). Safe to call from several threads.

    Errors keep their class across the wire. If the process does not respond, it raises `StoreUnavailable`.
    """

    def __init__(self, url: str, token: str) -> None:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/octet-stream",
        }
        self._connections = ConnectionPool(url, headers)

    def ping(self) -> None:
        """Return if the process responds and its store is open."""
        self._call("ping", {})

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        """Create the collection, or check its space."""
        self._call("ensure", {"name": name, "space": asdict(space)})

    def upsert(self, name: str, points: PointBatch) -> None:
        """Write the points. The vectors are sent as raw float32."""
        if points.vectors.dtype != np.float32 or points.vectors.ndim != 2:
            raise ValueError("vectors are float32 [n, dimension]")
        checked_payloads(points)
        self._call("upsert", {"name": name, **batch_header(points)}, points.vectors)

    def search(
        self,
        name: str,
        vector: NDArray[np.float32],
        *,
        top: int,
        where: Filter | None = None,
        exclude_items: Sequence[str] = (),
        per_item: int = 1,
        exact: bool = False,
    ) -> list[ItemHits]:
        """Return the nearest items."""
        header = {
            "name": name,
            "top": top,
            "where": None if where is None else to_json(where),
            "exclude_items": list(exclude_items),
            "per_item": per_item,
            "exact": exact,
        }
        reply, _ = self._call("search", header, np.atleast_2d(vector))
        return read_groups(reply["groups"])

    def item(self, name: str, item_id: str) -> list[StoredPoint]:
        """Return the item's points by picture index."""
        return read_points(*self._call("item", {"name": name, "item_id": item_id}))

    def points(self, name: str, ids: Sequence[str]) -> list[StoredPoint]:
        """Return those of the points that exist."""
        return read_points(*self._call("points", {"name": name, "ids": list(ids)}))

    def sample(self, name: str, count: int) -> NDArray[np.float32]:
        """Return randomly drawn vectors, received as raw float32."""
        return self._call("sample", {"name": name, "count": count})[1]

    def scroll(self, name: str, *, with_vectors: bool = True) -> Iterator[StoredPoint]:
        """Stream every point as the process sends it. The request is sent when the first point is consumed."""
        body = encode_frame({"name": name, "with_vectors": with_vectors})
        with self._connections.post("/v1/scroll", body) as response:
            if response.status != 200:
                raise _refused(response)
            while True:
                header, vectors = _next_frame(response)
                if "end" in header:
                    response.read()
                    return
                yield from read_points(header, vectors)

    def count(self, name: str, where: Filter | None = None) -> int:
        """Count the points that pass the filter."""
        header = {"name": name, "where": None if where is None else to_json(where)}
        return int(self._call("count", header)[0]["count"])

    def facet(self, name: str, field: str, *, where: Filter | None = None, top: int = 20) -> Facet:
        """Return the facet of a field."""
        header = {
            "name": name,
            "field": field,
            "where": None if where is None else to_json(where),
            "top": top,
        }
        return read_facet(self._call("facet", header)[0]["facet"])

    def space(self, name: str) -> EmbeddingSpace:
        """Return the collection's space."""
        return space_from_json(self._call("space", {"name": name})[0]["space"])

    def indexed_fields(self, name: str) -> Mapping[str, str]:
        """The fields with an index."""
        found = self._call("indexed_fields", {"name": name})[0]["fields"]
        return {str(field): str(kind) for field, kind in found.items()}

    def describe(self, name: str) -> CollectionInfo:
        """Describe the collection's current state."""
        return read_info(self._call("describe", {"name": name})[0]["collection"])

    def footprint(self, name: str) -> Footprint:
        """Return the collection's size on the store process's machine."""
        return Footprint(**self._call("footprint", {"name": name})[0]["footprint"])

    def collections(self) -> list[CollectionInfo]:
        """Return every collection, sorted by name."""
        return [read_info(info) for info in self._call("collections", {})[0]["collections"]]

    def delete(self, name: str) -> None:
        """Remove the collection."""
        self._call("delete", {"name": name})

    def defer_index(self, name: str) -> None:
        """Build no index while a bulk load is running."""
        self._call("defer_index", {"name": name})

    def build_index(self, name: str) -> None:
        """Build the missing part of the index."""
        self._call("build_index", {"name": name})

    def index_state(self, name: str) -> IndexState:
        """Return the progress of the index."""
        return IndexState(**self._call("index_state", {"name": name})[0]["index"])

    def deferred(self) -> list[str]:
        """Return collections whose index is deferred."""
        return list(self._call("deferred", {})[0]["names"])

    def close(self) -> None:
        """Close the idle connections. The process and its store keep running."""
        self._connections.close()

    def _call(
        self,
        operation: str,
        header: Mapping[str, Any],
        vectors: NDArray[np.float32] | None = None,
    ) -> Reply:
        body = encode_frame(header, vectors)
        if len(body) > MAX_BODY:
            raise BadInput(f"A request to the store has at most {MAX_BODY} bytes.")
        with self._connections.post(f"/v1/{operation}", body) as response:
            if response.status != 200:
                raise _refused(response)
            return _next_frame(response, last=True)


def _refused(response: Any) -> Exception:
    return read_error(response.status, response.read(), response.getheader("Retry-After"))


def _next_frame(response: Any, *, last: bool = False) -> Reply:
    """Read a frame of a response. Raises if the frame is cut short or carries an error."""
    try:
        header, vectors = read_frame(response)
    except ValueError as error:
        raise StoreUnavailable(
            "The store process stopped in the middle of its response."
        ) from error
    if last:
        response.read()
    if "error" in header:
        raise error_from_json(header["error"])
    return header, vectors
