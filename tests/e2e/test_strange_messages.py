"""A real worker among foreign messages: it dead-letters those that can be kept, survives the rest, and does its work."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest
from redis import Redis

from tests.faults.harness.environment import items, rig, until
from tests.faults.harness.picture_host import Host
from vitrine.core.settings import Settings
from vitrine.core.types import JobState
from vitrine.messaging.broker import BROKER_PREFIX, INGEST_TASK, ingest_queue, make_app
from vitrine.messaging.dead_letters import DEAD_LETTERS_KEY, count_dead_letters
from vitrine.messaging.message_template import MessageTemplate

pytestmark = [pytest.mark.e2e]

QUEUE = ingest_queue("builtin")
JOB = "3f2a9c04d1be"


def to_be_parked() -> list[bytes]:
    """Return messages that Kombu can read, and that must be dead-lettered."""
    mould = MessageTemplate(make_app(Settings), INGEST_TASK, QUEUE)
    whole = orjson.loads(mould.fill([1, JOB, 7], shown=""))
    body = base64.b64encode(b'{"no": ').decode()
    unknown = {**whole["headers"], "task": "somebody.elses"}
    unnamed = {name: value for name, value in unknown.items() if name != "task"}
    return [
        mould.fill([9, JOB, 7], shown=""),
        mould.fill([1, JOB], shown=""),
        orjson.dumps({**whole, "body": body}),
        orjson.dumps({**whole, "headers": unknown}),
        orjson.dumps({**whole, "headers": unnamed}),
    ]


NO_MESSAGES = [b"no json", b"5", b"\xff"]


def test_a_worker_parks_what_it_does_not_understand_and_goes_on(tmp_path: Path) -> None:
    with Host() as good, rig(tmp_path, [good.address]) as parts:
        worker = parts.ready(parts.start_worker())
        strange = to_be_parked()
        with Redis.from_url(parts.redis.url) as redis:
            redis.lpush(f"{BROKER_PREFIX}{QUEUE}", *NO_MESSAGES, *strange)
            until(lambda: count_dead_letters(redis).messages == len(strange), "them to be parked")
            kept = b"\n".join(redis.hkeys(DEAD_LETTERS_KEY))
            assert all(
                word in kept for word in (b"chunk 9 3f2a9c04d1be 7", b"somebody.elses", b'{\\"no')
            )
            job = parts.submit(items(64, good.url))
            assert parts.finish(job).state is JobState.COMPLETED
            until(lambda: not redis.hlen(f"{BROKER_PREFIX}unacked"), "each to be acknowledged")
        assert worker.alive(), worker.log.read_text()[-2000:]
