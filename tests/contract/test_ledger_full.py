"""A Redis that is full of jobs' data: work finishes and jobs are cancelled without more memory, and both free memory."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from tests.contract.test_ledger import failed, leased, new_job, ordinals
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.types import ImageRef, JobState
from vitrine.ledger import NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.standalone.private_redis import PrivateRedis
from vitrine.standalone.redis_binary import BINARY_VARIABLE
from workers.maintenance.leader_lock import try_acquire

ROOM = 2**20
"""Bytes until the limit is reached: about 150 chunks of the size used here."""
OVER = 2**17
"""Bytes in use above the lowered limit, so that no single step frees enough memory."""
WIDTH = 150
LETTERS = "".join(random.Random(7).choices("0123456789abcdef", k=64 * WIDTH))
"""Text for one chunk that hardly compresses."""


@pytest.fixture(scope="module", params=["wheel", "system"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Each Redis server that a user may have: from version 7 on, the memory check of scripts differs."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "system":
            binary = shutil.which("redis-server")
            if binary is None:
                pytest.skip("no redis-server is installed on this system")
            patch.setenv(BINARY_VARIABLE, binary)
        folder: Path = tmp_path_factory.mktemp("redis")
        redis = PrivateRedis(folder)
        redis.start()
        yield redis.url
        redis.stop()


@pytest.fixture
def ledger(server: str) -> Iterator[RedisLedger]:
    made = RedisLedger.connect(server)
    made._redis.config_set("maxmemory", 0)
    made._redis.flushall()
    yield made
    made.close()


def wide(start: int, count: int = 64) -> NewChunk:
    """A chunk whose blob takes several kilobytes."""
    images = [
        ImageRef(start + n, f"item-{n}", 0, "https://shop.example/1.jpg", {"more": more})
        for n in range(count)
        for more in [LETTERS[n * WIDTH : (n + 1) * WIDTH]]
    ]
    return NewChunk(images, count)


def used(redis: Redis) -> int:
    """Return the bytes that count against the limit: buffers of the append-only file do not, and grow while the disk is busy."""
    memory = redis.info("memory")
    return int(memory["used_memory"]) - int(memory.get("mem_not_counted_for_evict", 0))


def write_without_end(ledger: RedisLedger, job: str) -> None:
    for start in range(0, 64_000, 64):
        ledger.add_chunks(job, [wide(start)])


def fill(ledger: RedisLedger) -> str:
    """Create a sealed job that fills the memory, then lower the limit a little further."""
    redis = ledger._redis
    redis.config_set("maxmemory", used(redis) + ROOM)
    job = new_job(ledger, seal=False)
    with pytest.raises(LedgerUnavailable, match="Redis is full"):
        write_without_end(ledger, job)
    ledger.seal(job)
    redis.config_set("maxmemory", used(redis) - OVER)
    with pytest.raises(OutOfMemoryError):
        redis.set("anything", "else")
    return job


def chunks_of(ledger: RedisLedger, job: str) -> int:
    return ledger.status(job).images // 64


def assert_it_takes_jobs(ledger: RedisLedger) -> None:
    job = new_job(ledger, 2)
    assert ledger.status(job).images == 2


def test_chunks_are_done_in_a_full_redis_until_it_has_room_again(ledger: RedisLedger) -> None:
    job = fill(ledger)
    for number in range(chunks_of(ledger, job)):
        lease = leased(ledger, job, number)
        assert ledger.renew(lease, seconds=120)
        first, *others = ordinals(lease)
        report = ledger.finish(lease, embedded=others, failures=[failed(lease.chunk.images[0])])
        assert (report.newly_embedded, report.newly_failed) == (63, 1), first
    assert ledger.status(job).state is JobState.COMPLETED_WITH_FAILURES
    assert_it_takes_jobs(ledger)


def test_a_job_is_cancelled_in_a_full_redis_which_then_has_room(ledger: RedisLedger) -> None:
    job = fill(ledger)
    in_work, given_back = leased(ledger, job, 0), leased(ledger, job, 1)
    ledger.release(given_back, due=ledger.clock() + 3600)
    assert ledger.cancel(job) is JobState.CANCELLING
    assert not ledger.renew(in_work, seconds=60)
    report = ledger.finish(in_work, embedded=[0], failures=[])
    assert report.state is JobState.CANCELLED
    assert not list(ledger._redis.scan_iter(f"vitrine:{{{job}}}:chunk:*"))
    assert_it_takes_jobs(ledger)


def test_a_small_job_is_cancelled_while_another_keeps_redis_full(ledger: RedisLedger) -> None:
    small = new_job(ledger, 3)
    fill(ledger)
    assert ledger.cancel(small) is JobState.CANCELLED
    assert ledger.status(small).cancelled == 3


def test_dead_workers_chunks_are_swept_and_done_carefully_in_a_full_redis(
    ledger: RedisLedger,
) -> None:
    job = fill(ledger)
    dead = leased(ledger, job, 0, seconds=0.01)
    ledger.suspect(dead, 5)
    time.sleep(0.05)
    assert try_acquire(ledger._redis, "vitrine:sweeper", 60)
    assert not try_acquire(ledger._redis, "vitrine:sweeper", 60)
    assert ledger.sweep(job, lost_before=0) == [0]
    again = leased(ledger, job, 0)
    assert again.suspects == (5,)
    ledger.suspect(again, 5)
    ledger.suspect(again, None)
    rest = ledger.finish(again, embedded=[0], failures=[])
    assert (rest.accepted, rest.newly_embedded) == (True, 1)
    assert ledger.sweep(job, lost_before=0) == [0]


def test_a_full_redis_takes_nothing_new(ledger: RedisLedger) -> None:
    job = new_job(ledger, seal=False)
    done = new_job(ledger, 2)
    lease = leased(ledger, done)
    ledger.finish(
        lease, embedded=[], failures=[failed(image, at=1.0) for image in lease.chunk.images]
    )
    fill(ledger)
    with pytest.raises(LedgerUnavailable, match="cancel some"):
        ledger.add_chunks(job, [wide(0)])
    with pytest.raises(LedgerUnavailable, match="Redis is full"):
        ledger.retry(done)
    assert ledger.status(done).failed == 2
