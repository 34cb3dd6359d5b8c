"""Encoding of vectors: as JSON, or as bytes if the client requests it, with the metadata in headers.

| Accept | the body |
|---|---|
| `application/json` | the outcome of each input; vectors as floats or base64 |
| `application/x-npy` | one array, float32 [n, dimension], in NumPy's format 1.0 |
| `application/octet-stream` | the same rows without a header, little-endian |

In both arrays a row without a vector is all NaN, and `Vitrine-Failures` lists these rows with their reasons.
"""

from __future__ import annotations

import base64
import io
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import orjson
from fastapi.responses import Response
from numpy.typing import NDArray

from api.embedding import EmbeddedAnswers
from api.schemas.base import SpaceOut
from api.schemas.embed import ItemError
from vitrine.query.client import QueryAnswer, QueryVector

NPY = "application/x-npy"
RAW = "application/octet-stream"
MAX_FAILURES_TOLD = 100
"""Failures listed in the header: 2 KB. All are counted, and JSON lists all."""
Encoding = Literal["float", "base64"]

_TEXT = {"type": "string"}
HEADERS: dict[str, Any] = {
    "Vitrine-Shape": {"description": "For an array: rows, columns.", "schema": _TEXT},
    "Vitrine-Failed": {
        "description": "For an array: the number of rows of NaN.",
        "schema": {"type": "integer"},
    },
    "Vitrine-Failures": {
        "description": "The first 100 failures: `row=reason`, ….",
        "schema": _TEXT,
    },
    "Vitrine-Space": {"description": "For an array: model/revision/policy.", "schema": _TEXT},
}


def wanted_bytes(accept: str) -> str | None:
    """Return the binary format, if the Accept header names one before JSON or `*/*`; q-values are ignored."""
    named = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    first = next((one for one in named if one in {NPY, RAW, "application/json", "*/*"}), None)
    return first if first in {NPY, RAW} else None


def vectors_json(found: EmbeddedAnswers, encoding: Encoding, took_ms: float) -> Response:
    """Return every input's outcome as JSON; vectors are serialised directly from their arrays."""
    told = {
        "space": SpaceOut.of(found.space).model_dump(),
        "embedded": len(found.answers) - found.failed,
        "failed": found.failed,
        "took_ms": took_ms,
        "results": [
            {"index": index, **_outcome(answer, encoding)}
            for index, answer in enumerate(found.answers)
        ],
    }
    body = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, media_type="application/json")


def _outcome(answer: QueryAnswer, encoding: Encoding) -> dict[str, Any]:
    if isinstance(answer, QueryVector):
        return {"embedding": encode_vector(answer.vector, encoding), "error": None}
    return {"embedding": None, "error": ItemError.of(answer).model_dump()}


def encode_vector(vector: NDArray[np.float32], encoding: Encoding) -> NDArray[np.float32] | str:
    """Return a vector for orjson: the array itself, or base64 of little-endian float32."""
    if encoding == "float":
        return np.ascontiguousarray(vector)
    return base64.b64encode(vector.astype("<f4", copy=False).tobytes()).decode()


def vectors_bytes(found: EmbeddedAnswers, form: str) -> Response:
    """Return all rows as one array, in the format `NPY` or `RAW`."""
    nothing = np.full(found.space.dimension, np.nan, np.float32)
    rows = [one.vector if isinstance(one, QueryVector) else nothing for one in found.answers]
    matrix = np.stack(rows).astype("<f4", copy=False)
    body = _npy(matrix) if form == NPY else matrix.tobytes()
    return Response(body, media_type=form, headers=_headers(found))


def _npy(matrix: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, matrix, allow_pickle=False)
    return file.getvalue()


def _headers(found: EmbeddedAnswers) -> dict[str, str]:
    failures = [
        f"{index}={ItemError.of(one).code}"
        for index, one in enumerate(found.answers)
        if not isinstance(one, QueryVector)
    ]
    space = found.space
    return {
        "Vitrine-Shape": f"{len(found.answers)},{space.dimension}",
        "Vitrine-Failed": str(len(failures)),
        "Vitrine-Failures": ",".join(failures[:MAX_FAILURES_TOLD]),
        "Vitrine-Space": "/".join(
            quote(part, safe="") for part in (space.model, space.revision, space.policy)
        ),
    }
