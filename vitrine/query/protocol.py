"""Queries and answers of the query lane, as values and as bytes in Redis.

A query is one line of JSON (its kind and options) followed by the data. An answer is one line of JSON (the request,
and the vector's space or the error) followed by the vector. Queries of one call share one list for their answers, so
a client with a thousand queries waits on a single key.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from vitrine.core.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.core.hints import CLI_WORDING
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.store.base import EmbeddingSpace

QueryKind = Literal["image", "url", "text", "pixels"]


@dataclass(frozen=True, slots=True)
class Query:
    """A query: a picture's bytes, a URL (UTF-8), words (UTF-8), or pixels already prepared as a model's input."""

    kind: QueryKind
    data: bytes = field(repr=False)
    shape: tuple[int, ...] = ()
    """For pixels: `data` is float32, little-endian, row by row in this shape, without the batch axis."""
    grey: bool = False
    """Whether to convert a picture to grey first: its luma (ITU-R BT.601) in each of three equal channels."""
    fresh: bool = False
    """Whether to run a picture on the device even if its vector is cached, to check that the device works."""
    part: tuple[float, ...] = ()
    """For pictures: left, top, width and height of the part to use, as fractions of its sides. Empty: the whole picture."""

    @classmethod
    def of_pixels(cls, pixels: NDArray[np.float32]) -> Query:
        """Return a query of one picture's normalised model input, usually float32 [3, height, width]."""
        little = np.ascontiguousarray(pixels, dtype="<f4")
        return cls("pixels", little.tobytes(), little.shape)

    def pixels(self) -> NDArray[np.float32]:
        """Return the pixels as read-only float32 in their shape. Raises `BadInput` if the byte count does not match."""
        flat = np.frombuffer(self.data, dtype="<f4") if len(self.data) % 4 == 0 else None
        if flat is None or not self.shape or flat.size != np.prod(self.shape):
            raise BadInput("The number of pixels does not match their shape.")
        return flat.astype(np.float32, copy=False).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class QueryVector:
    """An answer: a unit vector, float32 [dimension], and its space."""

    vector: NDArray[np.float32]
    space: EmbeddingSpace


class UnusablePicture(BadInput):
    """Raised when a query picture has no vector, for one of the reasons that a job's pictures fail."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(f"The query picture could not be used ({reason}): {detail}.")
        self.reason = reason
        self.detail = detail

    @classmethod
    def of(cls, failure: ItemFailure) -> UnusablePicture:
        """Return the error for a failure reported by a stage of the worker."""
        return cls(failure.reason, failure.detail)


QueryAnswer: TypeAlias = QueryVector | VitrineError
"""The outcome of one query among many."""

_ERRORS: dict[str, type[VitrineError]] = {
    "bad_input": BadInput,
    "model_unavailable": ModelUnavailable,
}


# --- names in Redis: a request is `call.number` ----------------------------------------------------


def request_name(call: str, number: int) -> str:
    """Return the name of a call's query."""
    return f"{call}.{number}"


def request_number(request: str) -> int:
    """Return the query's number within its call."""
    return int(request.rpartition(".")[2])


def request_key(request: str) -> str:
    """Return the key that holds the query."""
    return f"vitrine:query:{request}"


def reply_key(request: str) -> str:
    """Return the key of the list that receives the answers of the request's call."""
    return f"vitrine:reply:{request.partition('.')[0]}"


# --- bytes ----------------------------------------------------------------------------------------


def encode_query(query: Query) -> bytes:
    """Return the query as stored in Redis."""
    head: dict[str, Any] = {"kind": query.kind}
    if query.shape:
        head["shape"] = query.shape
    if query.grey:
        head["grey"] = True
    if query.fresh:
        head["fresh"] = True
    if query.part:
        head["part"] = query.part
    return orjson.dumps(head) + b"\n" + query.data


def decode_query(raw: bytes) -> Query:
    """Read a query from its bytes."""
    head, _, body = raw.partition(b"\n")
    told: dict[str, Any] = orjson.loads(head)
    shape, part = (tuple(told.get(name) or ()) for name in ("shape", "part"))
    grey, fresh = (bool(told.get(name)) for name in ("grey", "fresh"))
    return Query(told["kind"], body, shape, grey, fresh, part)


def encode_vector(request: str, vector: NDArray[np.float32], space: EmbeddingSpace) -> bytes:
    """Return an answer with a vector, float32 [dimension]."""
    head = orjson.dumps({"request": request, "space": asdict(space)})
    return head + b"\n" + vector.astype("<f4", copy=False).tobytes()


def encode_error(request: str, error: VitrineError) -> bytes:
    """Return an answer with an error instead of a vector."""
    told = {"code": error.code, "message": error.message, "hint": error.render_hint(CLI_WORDING)}
    if isinstance(error, UnusablePicture):
        told |= {"reason": error.reason.value, "detail": error.detail}
    return orjson.dumps({"request": request, "error": told})


def decode_answer(raw: bytes) -> tuple[str, QueryAnswer]:
    """Return the request and its answer."""
    head, _, body = raw.partition(b"\n")
    told: dict[str, Any] = orjson.loads(head)
    if "error" in told:
        return told["request"], _error(told["error"])
    vector = np.frombuffer(body, dtype="<f4").astype(np.float32, copy=False)
    return told["request"], QueryVector(vector, EmbeddingSpace(**told["space"]))


def _error(told: dict[str, Any]) -> VitrineError:
    if "reason" in told:
        return UnusablePicture(FailureReason(told["reason"]), told["detail"])
    kind = _ERRORS.get(told["code"], ModelUnavailable)
    return kind(told["message"], hint=told["hint"])
