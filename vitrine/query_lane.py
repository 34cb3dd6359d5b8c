"""The query lane: one picture or text in, one unit vector out, through the workers that also ingest.

The question's bytes wait in Redis under a key with a short life and the message carries only its id;
the worker pushes the answer to a list that the asker blocks on. Both expire by themselves, so that an
abandoned question costs nothing.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from redis import Redis

from vitrine import presence
from vitrine.broker import Publisher
from vitrine.errors import BadInput, ModelUnavailable, VitrineError
from vitrine.redis_client import as_bytes, connect, naming_failures
from vitrine.settings import Settings
from vitrine.vectors.base import Space

Kind = Literal["image", "url", "text"]
REPLY_SECONDS = 60
_SLACK = 5.0
"""Seconds that a question outlives its asker's patience, for clocks and hand-overs."""

_ERRORS: dict[str, type[VitrineError]] = {
    "bad_input": BadInput,
    "model_unavailable": ModelUnavailable,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A question: the bytes of a picture, a URL (UTF-8), or words (UTF-8)."""

    kind: Kind
    data: bytes


@dataclass(frozen=True, slots=True)
class QueryVector:
    """An answer: a unit vector, float32 [dimension], and the space it is in."""

    vector: NDArray[np.float32]
    space: Space


def _request_key(request: str) -> str:
    return f"vitrine:query:{request}"


def _reply_key(request: str) -> str:
    return f"vitrine:reply:{request}"


class QueryLane:
    """The asker's end; safe to use from several threads."""

    def __init__(self, redis: Redis, publisher: Publisher, *, timeout: float) -> None:
        self._redis = redis
        self._publisher = publisher
        self._timeout = timeout

    @classmethod
    def open(cls, settings: Settings) -> QueryLane:
        """The lane that the settings name."""
        # A blocking pop waits as long as the query may take: the socket must not give up before.
        redis = connect(
            settings.redis_url.get_secret_value(), socket_timeout=settings.query_timeout + _SLACK
        )
        return cls(redis, Publisher(settings), timeout=settings.query_timeout)

    def workers(self, model: str | None = None) -> list[presence.WorkerInfo]:
        """The workers alive now; raises `LedgerUnavailable`."""
        with naming_failures():
            return presence.live_workers(self._redis, model)

    def embed(self, model: str, query: Query) -> QueryVector:
        """Have a worker embed the question.

        Raises `BadInput` where the picture, URL or text cannot be embedded, `ModelUnavailable` where no
        worker of the model is alive or none answers in time, `LedgerUnavailable` without Redis.
        """
        workers = self.workers(model)
        if not workers:
            raise ModelUnavailable(
                f"No worker for the model {model} is running.",
                hint=f"Start one: vitrine worker --model {model}",
            )
        if query.kind == "text" and not any(worker.supports_text for worker in workers):
            raise BadInput(
                f"The model {model} has no text tower, so it cannot be searched by words.",
                hint="Search by picture or by item, or ingest with a model such as SigLIP or CLIP.",
            )
        return self._ask(model, query)

    def _ask(self, model: str, query: Query) -> QueryVector:
        request = uuid.uuid4().hex
        head = orjson.dumps({"kind": query.kind})
        with naming_failures():
            self._redis.set(
                _request_key(request),
                head + b"\n" + query.data,
                ex=math.ceil(self._timeout + _SLACK),
            )
            self._publisher.publish_query(request, model)
            popped = self._redis.blpop([_reply_key(request)], timeout=self._timeout)
            self._redis.delete(_request_key(request))
        if popped is None:
            raise ModelUnavailable(
                f"No worker for the model {model} answered within {self._timeout:g} s.",
                hint="It may be busy or stuck; try again, or look at its log.",
            )
        return _read_reply(as_bytes(popped[1]))

    def close(self) -> None:
        """Close the connections."""
        self._publisher.close()
        self._redis.close()


def _read_reply(raw: bytes) -> QueryVector:
    head, _, body = raw.partition(b"\n")
    reply: dict[str, Any] = orjson.loads(head)
    if "error" in reply:
        error = _ERRORS.get(reply["error"]["code"], ModelUnavailable)
        raise error(reply["error"]["message"], hint=reply["error"]["hint"])
    return QueryVector(np.frombuffer(body, dtype="<f4").astype(np.float32), Space(**reply["space"]))


# --- the worker's end ---------------------------------------------------------------------------


def take(redis: Redis, request: str) -> Query | None:
    """Fetch a question; None where it expired, or its asker gave up."""
    raw = redis.getdel(_request_key(request))
    if raw is None:
        return None
    head, _, body = as_bytes(raw).partition(b"\n")
    return Query(orjson.loads(head)["kind"], body)


def answer(redis: Redis, request: str, vector: NDArray[np.float32], space: Space) -> None:
    """Send the vector, float32 [dimension]."""
    head = orjson.dumps({"space": asdict(space)})
    _push(redis, request, head + b"\n" + vector.astype("<f4").tobytes())


def refuse(redis: Redis, request: str, error: VitrineError) -> None:
    """Send the error, which the asker raises."""
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    _push(redis, request, orjson.dumps({"error": body}))


def _push(redis: Redis, request: str, reply: bytes) -> None:
    with redis.pipeline(transaction=True) as pipe:
        pipe.rpush(_reply_key(request), reply)
        pipe.expire(_reply_key(request), REPLY_SECONDS)
        pipe.execute()
