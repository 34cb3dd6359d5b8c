"""The worker's end of the query lane in Redis: questions are taken once, with what is left of their askers' patience."""

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
"""How long answers wait for somebody who may have gone."""


@dataclass(frozen=True, slots=True)
class InboxQuestion:
    """A question that is this worker's to answer."""

    request: str
    query: Query
    until: float  #: When its asker gives up, monotonic seconds.


def take_questions(redis: Redis, requests: Sequence[str]) -> list[InboxQuestion]:
    """Fetch questions; those that expired, or whose asker gave up, are left out."""
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
    """Send answers by their requests: vectors, and errors, which the asker gets as such."""
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
