"""Questions and answers of the query lane: as values, and as the bytes that lie in Redis.

A question is one line of JSON (what it is) and the bytes themselves; an answer is one line (which question, and the
space of its vector, or why there is none) and the vector. Questions asked together share one list for their answers, so
that who asks a thousand waits at one place.
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
    """A question: the bytes of a picture, a URL (UTF-8), words (UTF-8), or pixels that are a model's input already."""

    kind: QueryKind
    data: bytes = field(repr=False)
    shape: tuple[int, ...] = ()
    """Of pixels: `data` is then float32, little-endian, row by row in this shape, without the batch axis."""
    grey: bool = False
    """Whether a picture is made grey first: its luma (ITU-R BT.601) in each of three equal channels."""
    fresh: bool = False
    """Whether a picture goes to the device although the worker may know its vector from before: to see that it lives."""
    part: tuple[float, ...] = ()
    """Of a picture: left, top, width and height of the part that is meant, in shares of its sides; empty: all of it."""

    @classmethod
    def of_pixels(cls, pixels: NDArray[np.float32]) -> Query:
        """One picture as a model takes it, normalised, usually float32 [3, height, width]."""
        little = np.ascontiguousarray(pixels, dtype="<f4")
        return cls("pixels", little.tobytes(), little.shape)

    def pixels(self) -> NDArray[np.float32]:
        """The pixels, float32 in their shape, read-only; raises `BadInput` where the bytes are not so many."""
        flat = np.frombuffer(self.data, dtype="<f4") if len(self.data) % 4 == 0 else None
        if flat is None or not self.shape or flat.size != np.prod(self.shape):
            raise BadInput("The pixels are not as many as their shape says.")
        return flat.astype(np.float32, copy=False).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class QueryVector:
    """An answer: a unit vector, float32 [dimension], and the space it is in."""

    vector: NDArray[np.float32]
    space: EmbeddingSpace


class UnusablePicture(BadInput):
    """Raised when a picture that was asked about has no vector, for one of the reasons that a job's pictures fail."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(f"The query picture could not be used ({reason}): {detail}.")
        self.reason = reason
        self.detail = detail

    @classmethod
    def of(cls, failure: ItemFailure) -> UnusablePicture:
        """As a stage of the worker told of it."""
        return cls(failure.reason, failure.detail)


QueryAnswer: TypeAlias = QueryVector | VitrineError
"""What becomes of one question among many."""

_ERRORS: dict[str, type[VitrineError]] = {
    "bad_input": BadInput,
    "model_unavailable": ModelUnavailable,
}


# --- names in Redis: a request is `call.number` ----------------------------------------------------


def request_name(call: str, number: int) -> str:
    """The name of a call's question."""
    return f"{call}.{number}"


def request_number(request: str) -> int:
    """Which of its call's questions it is."""
    return int(request.rpartition(".")[2])


def request_key(request: str) -> str:
    """Where the question waits."""
    return f"vitrine:query:{request}"


def reply_key(request: str) -> str:
    """The list that the answers of the request's call are pushed to."""
    return f"vitrine:reply:{request.partition('.')[0]}"


# --- bytes ----------------------------------------------------------------------------------------


def encode_query(query: Query) -> bytes:
    """The question as it waits in Redis."""
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
    """The question of its bytes."""
    head, _, body = raw.partition(b"\n")
    told: dict[str, Any] = orjson.loads(head)
    shape, part = (tuple(told.get(name) or ()) for name in ("shape", "part"))
    grey, fresh = (bool(told.get(name)) for name in ("grey", "fresh"))
    return Query(told["kind"], body, shape, grey, fresh, part)


def encode_vector(request: str, vector: NDArray[np.float32], space: EmbeddingSpace) -> bytes:
    """The answer with a vector, float32 [dimension]."""
    head = orjson.dumps({"request": request, "space": asdict(space)})
    return head + b"\n" + vector.astype("<f4", copy=False).tobytes()


def encode_error(request: str, error: VitrineError) -> bytes:
    """The answer that there is none, and why."""
    told = {"code": error.code, "message": error.message, "hint": error.render_hint(CLI_WORDING)}
    if isinstance(error, UnusablePicture):
        told |= {"reason": error.reason.value, "detail": error.detail}
    return orjson.dumps({"request": request, "error": told})


def decode_answer(raw: bytes) -> tuple[str, QueryAnswer]:
    """The request, and its answer."""
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
