"""One call of the query lane: many questions out, as far as a window allows, and their answers in any order.

    groups of questions --SET, one message a group--> workers --RPUSH--> one list a call --BLPOP--> answers

The window bounds what one asker may have in Redis and before the workers, so that others have their turn.
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
"""Seconds that a question outlives its asker's patience, for clocks and hand-overs."""
QUERIES_PER_MESSAGE = 16
"""Questions a message: a Celery task costs about a millisecond whatever is in it. A worker that takes as many groups as it has
query threads (64) has a thousand pictures on the way, which are 150 MB at 224 x 224."""
BYTES_PER_MESSAGE = 4 * MEBIBYTE
"""What a group's questions take together, if it is more than one."""
MAX_IN_FLIGHT = 256
"""Questions of one call that are out at once: a quarter of what one worker takes."""
MAX_IN_FLIGHT_BYTES = 16 * MEBIBYTE
"""What they take in Redis together, if it is more than one group."""
_AT_ONCE = 256
"""Answers read in one command: a megabyte of vectors."""


class QueryCall:
    """The questions of one asker; used once, by one thread."""

    def __init__(
        self, redis: Redis, publisher: Publisher, model: str, *, timeout: float, poll: float
    ) -> None:
        """Have `timeout` seconds for all; one command blocks for at most `poll` seconds."""
        self._redis = redis
        self._publisher = publisher
        self._model = model
        self._timeout = timeout
        self._poll = poll
        self._deadline = time.monotonic() + timeout
        self._name = uuid.uuid4().hex
        self._out: dict[
            int, int
        ] = {}  #: Questions that were sent and not answered, and their bytes.

    def run(self, queries: Mapping[int, Query]) -> dict[int, QueryAnswer]:
        """The answers by the questions' numbers; what none came for in time has `ModelUnavailable`."""
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
            hint="It may be busy or stuck; try again, or look at its log.",
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
        """Wait for answers and take all that are there; False once there is no time left."""
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
        """Have no worker begin what nobody waits for any more."""
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
