"""The wire format between the store process and its clients: a JSON header followed by raw vectors.

A frame is the header's length (4 bytes, little-endian), the header (JSON), and the vectors (float32,
little-endian, row by row). The header gives their shape under `shape`. Vectors are never written as
decimal text. Errors are sent as JSON with the class's code, and raised as the same class.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from vitrine.core.errors import (
    BadInput,
    Conflict,
    NotFound,
    SpaceMismatch,
    StoreRejected,
    StoreUnavailable,
    VitrineError,
)
from vitrine.core.hints import CLI_WORDING
from vitrine.store.base import CollectionInfo, Hit, ItemHits, PointBatch, Provenance, StoredPoint
from vitrine.store.facets import Facet, FacetBin, FacetValue
from vitrine.store.spaces import space_from_json

MAX_BODY = 64 * 1024 * 1024  #: Bytes per request; 256 points of 4096 dimensions are 4 MiB.

_LENGTH = struct.Struct("<I")
_FLOAT = np.dtype("<f4")
_CLASSES: dict[str, type[VitrineError]] = {
    cls.code: cls for cls in (BadInput, Conflict, NotFound, SpaceMismatch, StoreRejected)
}


def encode_frame(header: Mapping[str, Any], vectors: NDArray[np.float32] | None = None) -> bytes:
    """Return a frame. `vectors` is float32 [n, dimension] or None."""
    rows = np.zeros((0, 0), _FLOAT) if vectors is None else np.asarray(vectors, _FLOAT)
    text = orjson.dumps({**header, "shape": list(rows.shape)})
    return _LENGTH.pack(len(text)) + text + rows.tobytes()


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Read the next frame of a stream. Raises `ValueError` if it is cut short or malformed."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if length > MAX_BODY:
        raise ValueError(f"a header of {length} bytes")
    header = orjson.loads(_exactly(stream, length))
    rows, columns = _shape(header)
    data = _exactly(stream, rows * columns * _FLOAT.itemsize)
    return header, np.frombuffer(data, _FLOAT).reshape(rows, columns)


def _shape(header: object) -> tuple[int, int]:
    match header:
        case {"shape": [int(rows), int(columns)]} if rows >= 0 and columns >= 0:
            if rows * columns * _FLOAT.itemsize <= MAX_BODY:
                return rows, columns
    raise ValueError("a frame without a sensible shape")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError(f"a frame cut short: {len(data)} of {size} bytes")
    return data


def batch_header(points: PointBatch) -> dict[str, Any]:
    """Return everything in a batch except its vectors."""
    return {
        "ids": list(points.ids),
        "item_ids": list(points.item_ids),
        "indexes": list(points.indexes),
        "urls": list(points.urls),
        "fields": [dict(fields) for fields in points.fields],
        "provenance": [provenance.as_payload() for provenance in points.provenance],
    }


def read_batch(header: Mapping[str, Any], vectors: NDArray[np.float32]) -> PointBatch:
    """Return the batch that `batch_header` and its vectors describe."""
    return PointBatch(
        ids=header["ids"],
        vectors=vectors,
        item_ids=header["item_ids"],
        indexes=header["indexes"],
        urls=header["urls"],
        fields=header["fields"],
        provenance=[Provenance(**entry) for entry in header["provenance"]],
    )


def groups_as_json(groups: Sequence[ItemHits]) -> list[dict[str, Any]]:
    """Return search results as JSON values."""
    return [asdict(group) for group in groups]


def read_groups(value: Sequence[Mapping[str, Any]]) -> list[ItemHits]:
    """Return search results from their JSON values."""
    return [ItemHits(g["item_id"], tuple(Hit(**hit) for hit in g["hits"])) for g in value]


def encode_points(points: Sequence[StoredPoint]) -> bytes:
    """Encode stored points as one frame."""
    vectors = np.stack([point.vector for point in points]) if points else None
    return encode_frame(
        {"points": [{"id": point.id, "payload": point.payload} for point in points]}, vectors
    )


def read_points(header: Mapping[str, Any], vectors: NDArray[np.float32]) -> list[StoredPoint]:
    """Read the stored points of one frame. If it has no vectors, each point gets float32 [0]."""
    return [
        StoredPoint(entry["id"], entry["payload"], vectors[row])
        for row, entry in enumerate(header["points"])
    ]


def read_info(value: Mapping[str, Any]) -> CollectionInfo:
    """Read a collection's description written by `dataclasses.asdict`."""
    return CollectionInfo(**{**value, "space": space_from_json(value["space"])})


def read_facet(value: Mapping[str, Any]) -> Facet:
    """Read a facet written by `dataclasses.asdict`."""
    values = tuple(FacetValue(**entry) for entry in value["values"])
    bins = tuple(FacetBin(**entry) for entry in value["bins"])
    return Facet(**{**value, "values": values, "bins": bins})


def error_as_json(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and body for an error."""
    if isinstance(error, VitrineError):
        body = {
            "code": error.code,
            "message": error.message,
            "hint": error.render_hint(CLI_WORDING),
        }
        return error.http_status, body | {"retry_after": getattr(error, "retry_after", None)}
    if isinstance(error, ValueError):
        # A programming error of the caller, raised there as a ValueError again.
        return 400, {"code": "contract_broken", "message": str(error)}
    return 500, {"code": "internal", "message": "The store process failed; see its log."}


def read_error(status: int, body: bytes, retry_after: str | None = None) -> Exception:
    """Return the error for a response whose status is not 200.

    A proxy in front of the store process may respond in its place, with a body that is not ours. From such a
    response, use only `retry_after`, the header of that name, if it is in seconds.
    """
    try:
        return error_from_json(orjson.loads(body))
    except orjson.JSONDecodeError:
        digits = retry_after is not None and retry_after.isdecimal() and len(retry_after) < 10
        return StoreUnavailable(
            f"The store process returned {status} without a reason.",
            retry_after=float(retry_after) if retry_after and digits else None,
        )


def error_from_json(value: object) -> Exception:
    """Return an error of the class that the code names, or `StoreUnavailable` if the value is not understood."""
    match value:
        case {"code": "contract_broken", "message": str(message)}:
            return ValueError(message)
        case {"code": str(code), "message": str(message), "hint": str() | None as hint} if (
            code in _CLASSES
        ):
            return _CLASSES[code](message, hint=hint)
        case {"message": str(message), "retry_after": float() | int() as wait}:
            return StoreUnavailable(message, retry_after=wait)
        case {"message": str(message)}:
            return StoreUnavailable(message)
    return StoreUnavailable("The store process returned a response that is not understood.")
