"""Upsert requests to a Qdrant server: JSON written directly from the array, in bodies of accepted size.

Written this way, a vector of 768 costs 18 us of CPU; through a list of Python floats and the client's
models it costs 70 to 90 (`python -m benchmarks.upsert` compares whole upserts). The bytes sent are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel
from qdrant_client import QdrantClient, models

from vitrine.core.errors import StoreUnavailable
from vitrine.store.base import PointBatch

UPSERT_POINTS = 256  #: Points per request: 3 to 5 MB of JSON at 768 to 1152 dimensions.
UPSERT_BYTES = 30 * 1024 * 1024
"""Bytes per request. The server refuses 32 MiB and more; only very long vectors and payloads come close."""


class _Answer(BaseModel):
    """The server's response to a write."""

    result: models.UpdateResult | None = None


def put_points(client: QdrantClient, collection: str, body: bytes, *, timeout: int) -> None:
    """Send one body and wait until its points are searchable.

    Raises the client's errors, and `StoreUnavailable` if the server has only acknowledged the write.
    """
    answer = client.http.client.request(
        type_=_Answer,
        method="PUT",
        url="/collections/{collection_name}/points",
        path_params={"collection_name": collection},
        params={"wait": "true", "timeout": str(timeout)},
        headers={"Content-Type": "application/json"},
        content=body,
    )
    if answer.result is None or answer.result.status != models.UpdateStatus.COMPLETED:
        raise StoreUnavailable("The Qdrant server did not finish the write in time.")


def request_bodies(points: PointBatch, rows: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield the batch as JSON, 256 points per request, halved if that is too long. `rows` are its payloads."""
    for start in range(0, len(rows), UPSERT_POINTS):
        yield from _within_bounds(points, rows, start, min(len(rows), start + UPSERT_POINTS))


def _within_bounds(
    points: PointBatch, rows: Sequence[Mapping[str, Any]], start: int, end: int
) -> Iterator[bytes]:
    body = _body(points, rows, start, end)
    if len(body) <= UPSERT_BYTES or end - start == 1:
        yield body
        return
    middle = (start + end) // 2
    yield from _within_bounds(points, rows, start, middle)
    yield from _within_bounds(points, rows, middle, end)


def _body(points: PointBatch, rows: Sequence[Mapping[str, Any]], start: int, end: int) -> bytes:
    vectors = np.ascontiguousarray(points.vectors[start:end])
    entries = [
        {"id": key, "vector": vector, "payload": payload}
        for key, vector, payload in zip(
            points.ids[start:end], vectors, rows[start:end], strict=True
        )
    ]
    return orjson.dumps({"points": entries}, option=orjson.OPT_SERIALIZE_NUMPY)
