"""Vectors on their way out: as JSON, or as bytes for who asks for them, with what the bytes cannot say in headers.

| Accept | the body |
|---|---|
| `application/json` | each with its outcome; floats, or base64 of them |
| `application/x-npy` | one array, float32 [n, dimension], in NumPy's format 1.0 |
| `application/octet-stream` | the same rows alone, little-endian |

In both arrays a row without a vector is all NaN, and `Vitrine-Failures` says which these are and why.
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
"""Failures that a header names: 2 KB. All are counted, and JSON tells of each."""
Encoding = Literal["float", "base64"]

_TEXT = {"type": "string"}
HEADERS: dict[str, Any] = {
    "Vitrine-Shape": {"description": "Of an array: rows, columns.", "schema": _TEXT},
    "Vitrine-Failed": {
        "description": "Of an array: its rows of NaN.",
        "schema": {"type": "integer"},
    },
    "Vitrine-Failures": {"description": "The first 100 of them: `row=reason`, ….", "schema": _TEXT},
    "Vitrine-Space": {"description": "Of an array: model/revision/policy.", "schema": _TEXT},
}


def wanted_bytes(accept: str) -> str | None:
    """The binary form, if an Accept header names one before it names JSON, or anything; its weights are not looked at."""
    named = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    first = next((one for one in named if one in {NPY, RAW, "application/json", "*/*"}), None)
    return first if first in {NPY, RAW} else None


def vectors_json(found: EmbeddedAnswers, encoding: Encoding, took_ms: float) -> Response:
    """Every input's outcome; the vectors are written straight from their arrays."""
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
    """A vector as orjson writes it: numbers, or base64 of float32, little-endian."""
    if encoding == "float":
        return np.ascontiguousarray(vector)
    return base64.b64encode(vector.astype("<f4", copy=False).tobytes()).decode()


def vectors_bytes(found: EmbeddedAnswers, form: str) -> Response:
    """All rows as one array, `form` being `NPY` or `RAW`."""
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
