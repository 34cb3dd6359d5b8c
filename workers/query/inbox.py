"""The worker's side of the query lane in Redis: takes each query once, with the time its client will still wait."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis import Redis

from vitrine.core.redis_client import as_bytes
from vitrine.query.call import EXPIRY_MARGIN
from vitrine.query.protocol import (
    Query,
    QueryAnswer,
    QueryVector,
    decode_query,
    encode_error,
    encode_vector,
    reply_key,
    request_key,
)

REPLY_SECONDS = 60
"""Seconds for which a reply is kept for a client that may be gone."""


@dataclass(frozen=True, slots=True)
class InboxQuestion:
    """A query that this worker has taken."""

    request: str
    query: Query
    until: float  #: When its client gives up, in monotonic seconds.


def take_questions(redis: Redis, requests: Sequence[str]) -> list[InboxQuestion]:
    """Take queries from Redis; those that expired or whose client gave up are left out."""
    with redis.pipeline(transaction=True) as pipe:
        for request in requests:
            pipe.pttl(request_key(request))
            pipe.getdel(request_key(request))
        found = pipe.execute()
    now = time.monotonic()
    return [
        InboxQuestion(request, decode_query(as_bytes(raw)), now + left / 1000 - EXPIRY_MARGIN)
        for request, left, raw in zip(requests, found[::2], found[1::2], strict=True)
        if raw is not None
    ]


def send_replies(redis: Redis, answers: Mapping[str, QueryAnswer]) -> None:
    """Send the replies, by request: vectors, or errors for the client."""
    with redis.pipeline(transaction=True) as pipe:
        for request, answer in answers.items():
            pipe.rpush(reply_key(request), _packed(request, answer))
        for key in {reply_key(request) for request in answers}:
            pipe.expire(key, REPLY_SECONDS)
        pipe.execute()


def _packed(request: str, answer: QueryAnswer) -> bytes:
    if isinstance(answer, QueryVector):
        return encode_vector(request, answer.vector, answer.space)
    return encode_error(request, answer)
