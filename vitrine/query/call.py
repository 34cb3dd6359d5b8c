"""One call of the query lane: sends queries as far as a window allows, and collects the answers in any order.

    groups of queries --SET, one message per group--> workers --RPUSH--> one list per call --BLPOP--> answers

The window limits how much one client may have in Redis and at the workers, so that other clients are served too.
"""

from __future__ import annotations

import math
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping

from redis import Redis

from vitrine.core.errors import ModelUnavailable
from vitrine.core.redis_client import as_bytes
from vitrine.core.settings import MEBIBYTE
from vitrine.messaging.broker import Publisher
from vitrine.query.protocol import (
    Query,
    QueryAnswer,
    decode_answer,
    encode_query,
    reply_key,
    request_key,
    request_name,
    request_number,
)

EXPIRY_MARGIN = 5.0
"""Seconds that a query outlives its client's timeout, to allow for clock differences and delivery."""
QUERIES_PER_MESSAGE = 16
"""Queries per message: a Celery task costs about a millisecond whatever it contains. A worker that takes one group for each of
its query threads (64) has a thousand pictures in progress, which are 150 MB at 224 x 224."""
BYTES_PER_MESSAGE = 4 * MEBIBYTE
"""Total bytes of a group's queries, unless the group has only one."""
MAX_IN_FLIGHT = 256
"""Queries of one call that are in flight together: a quarter of what one worker takes."""
MAX_IN_FLIGHT_BYTES = 16 * MEBIBYTE
"""Their total bytes in Redis, unless only one group is in flight."""
_AT_ONCE = 256
"""Answers read per command: a megabyte of vectors."""


class QueryCall:
    """The queries of one client. Use it once, from one thread."""

    def __init__(
        self, redis: Redis, publisher: Publisher, model: str, *, timeout: float, poll: float
    ) -> None:
        """Allow `timeout` seconds in total. One command blocks for at most `poll` seconds."""
        self._redis = redis
        self._publisher = publisher
        self._model = model
        self._timeout = timeout
        self._poll = poll
        self._deadline = time.monotonic() + timeout
        self._name = uuid.uuid4().hex
        self._out: dict[
            int, int
        ] = {}  #: Bytes of each query that was sent and is not yet answered.

    def run(self, queries: Mapping[int, Query]) -> dict[int, QueryAnswer]:
        """Return the answers by the queries' numbers. A query without an answer in time gets `ModelUnavailable`."""
        answers: dict[int, QueryAnswer] = {}
        groups = deque(_groups(queries))
        try:
            while groups or self._out:
                while groups and self._has_room(groups[0], queries):
                    self._send(groups.popleft(), queries)
                if not self._collect(answers):
                    break
        finally:
            self._take_back()
        late = self._late()
        return {number: answers.get(number, late) for number in queries}

    def _late(self) -> ModelUnavailable:
        return ModelUnavailable(
            f"No worker for the model {self._model} answered within {self._timeout:g} s.",
            hint="It may be busy or stuck; try again, or see its log.",
        )

    def _has_room(self, group: list[int], queries: Mapping[int, Query]) -> bool:
        if not self._out:
            return True
        size = sum(self._out.values()) + sum(len(queries[number].data) for number in group)
        return len(self._out) + len(group) <= MAX_IN_FLIGHT and size <= MAX_IN_FLIGHT_BYTES

    def _send(self, group: list[int], queries: Mapping[int, Query]) -> None:
        left = math.ceil(1000 * (max(0.0, self._left()) + EXPIRY_MARGIN))
        requests = [request_name(self._name, number) for number in group]
        with self._redis.pipeline(transaction=False) as pipe:
            for number, request in zip(group, requests, strict=True):
                pipe.set(request_key(request), encode_query(queries[number]), px=left)
                self._out[number] = len(queries[number].data)
            pipe.execute()
        self._publisher.publish_query(",".join(requests), self._model)

    def _collect(self, answers: dict[int, QueryAnswer]) -> bool:
        """Wait for answers and read all available ones. Returns False once the time is up."""
        left = self._left()
        if left <= 0:
            return False
        key = reply_key(self._name)
        popped = self._redis.blpop([key], timeout=min(left, self._poll))
        if popped is not None:
            more = self._redis.lpop(key, _AT_ONCE) if len(self._out) > 1 else None
            for raw in (popped[1], *(more or ())):
                request, answer = decode_answer(as_bytes(raw))
                answers[request_number(request)] = answer
                self._out.pop(request_number(request), None)
        return True

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _take_back(self) -> None:
        """Delete unanswered queries, so that no worker starts work that nobody is waiting for."""
        if self._out:
            names = [request_key(request_name(self._name, number)) for number in self._out]
            self._redis.delete(*names)


def _groups(queries: Mapping[int, Query]) -> Iterator[list[int]]:
    group: list[int] = []
    size = 0
    for number, query in queries.items():
        if group and (
            len(group) == QUERIES_PER_MESSAGE or size + len(query.data) > BYTES_PER_MESSAGE
        ):
            yield group
            group, size = [], 0
        group.append(number)
        size += len(query.data)
    if group:
        yield group
