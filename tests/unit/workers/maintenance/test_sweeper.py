from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import orjson
import pytest
from pydantic import SecretStr
from redis import Redis

from tests.patience import PATIENCE
from vitrine.core.errors import Conflict
from vitrine.core.settings import Settings
from vitrine.core.types import ImageRef, JobSpec, new_job_id
from vitrine.ledger import Lease, NewChunk
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.broker import Publisher, ingest_queue
from workers.maintenance.sweeper import LOCK_KEY, Sweeper

GRACE = 0.2


class Sent:
    """Records what is published, and passes it on."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.numbers: list[int] = []
        self.retries: list[int] = []

    def publish(
        self, job: str, numbers: Sequence[int], model: str, *, retries: Sequence[int] | None = None
    ) -> None:
        self.numbers += numbers
        self.retries = list(retries or ())
        self._publisher.publish(job, numbers, model, retries=retries)


class Bench:
    """A real ledger and a real queue, swept by hand."""

    def __init__(self, url: str) -> None:
        self.redis = Redis.from_url(url)
        self.ledger = RedisLedger.connect(url)
        self.publisher = Publisher(Settings(redis_url=SecretStr(url)))
        self.sent = Sent(self.publisher)
        self.model = f"m{new_job_id()}"
        self.sweeper = self.sweeper_of(GRACE)

    def job(self, chunks: int, *, publish: bool) -> str:
        spec = JobSpec(new_job_id(), "shop", self.model)
        self.ledger.create(spec)
        for n in range(chunks):
            image = ImageRef(n, f"item-{n}", 0, f"https://shop.example/{n}.jpg")
            self.ledger.add_chunks(spec.id, [NewChunk([image], 1)])
            if publish:
                self.publisher.publish(spec.id, [n], self.model)
        self.ledger.seal(spec.id)
        return spec.id

    def sweeper_of(self, grace: float) -> Sweeper:
        return Sweeper(self.ledger, self.redis, self.sent, every=5, grace=grace)

    def sweep(self) -> list[int]:
        self.redis.delete(LOCK_KEY)
        self.sent.numbers.clear()
        self.sweeper.sweep()
        return sorted(self.sent.numbers)

    def queued(self) -> int:
        length = self.redis.llen(f"vitrine:broker:{ingest_queue(self.model)}")
        assert isinstance(length, int)
        return length


@pytest.fixture
def bench(private_redis: str) -> Iterator[Bench]:
    made = Bench(private_redis)
    for job in made.ledger.active_jobs():  # left by other suites
        with contextlib.suppress(Conflict):
            made.ledger.cancel(job)
        made.ledger.sweep(job, lost_before=0)
    yield made
    made.publisher.close()
    made.ledger.close()
    made.redis.close()


def test_chunks_whose_messages_wait_in_the_queue_are_not_sent_again(bench: Bench) -> None:
    bench.job(3, publish=True)
    time.sleep(2 * GRACE)
    assert bench.sweep() == []
    assert bench.queued() == 3


def test_chunks_whose_messages_are_gone_are_sent_again_after_the_grace(bench: Bench) -> None:
    bench.sweeper = bench.sweeper_of(PATIENCE)
    bench.job(3, publish=False)
    assert bench.sweep() == []
    bench.sweeper = bench.sweeper_of(GRACE)
    time.sleep(2 * GRACE)
    assert bench.sweep() == [0, 1, 2]
    assert bench.queued() == 3
    assert bench.sweep() == []


def test_a_message_lost_from_the_head_of_a_long_queue_is_missed(bench: Bench) -> None:
    bench.job(1, publish=False)
    time.sleep(2 * GRACE)
    bench.job(3, publish=True)
    assert bench.sweep() == [0]


def test_the_chunks_of_a_dead_worker_are_sent_again(bench: Bench) -> None:
    job = bench.job(1, publish=False)
    assert isinstance(bench.ledger.lease(job, 0, seconds=0.05), Lease)
    time.sleep(0.1)
    assert bench.sweep() == [0]
    assert bench.sent.retries == [1]
    raw = bench.redis.lindex(f"vitrine:broker:{ingest_queue(bench.model)}", 0)
    assert isinstance(raw, bytes)
    assert orjson.loads(raw)["headers"]["retries"] == 1  # shown by Flower


def test_a_queue_is_looked_at_once_however_many_jobs_are_in_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        bench.job(2, publish=True)
    looks: list[str] = []
    look = bench.redis.lrange

    def noted(name: str, *span: int) -> object:
        looks.append(name)
        return look(name, *span)

    monkeypatch.setattr(bench.redis, "lrange", noted)
    assert bench.sweep() == []
    assert looks == [f"vitrine:broker:{ingest_queue(bench.model)}"]


def test_a_worker_sweeps_when_it_starts(bench: Bench) -> None:
    bench.job(2, publish=False)
    time.sleep(2 * GRACE)
    bench.redis.delete(LOCK_KEY)
    sweeper = Sweeper(bench.ledger, bench.redis, bench.sent, every=3600, grace=GRACE)
    sweeper.start()
    deadline = time.monotonic() + PATIENCE
    while not bench.sent.numbers and time.monotonic() < deadline:
        time.sleep(0.01)
    sweeper.close()
    bench.redis.delete(LOCK_KEY)
    assert sorted(bench.sent.numbers) == [0, 1]


def test_one_worker_sweeps_at_a_time(bench: Bench) -> None:
    bench.job(1, publish=False)
    time.sleep(2 * GRACE)
    bench.redis.set(LOCK_KEY, b"1", px=60_000)
    assert bench.sweeper.sweep() == 0
    assert bench.sweep() == [0]


def test_messages_of_others_in_the_queue_are_passed_over(bench: Bench) -> None:
    bench.redis.rpush(f"vitrine:broker:{ingest_queue(bench.model)}", b"not json", b'{"body": 5}')
    bench.job(1, publish=True)
    time.sleep(2 * GRACE)
    assert bench.sweep() == []


def test_a_cancelled_jobs_dead_leases_are_buried(bench: Bench) -> None:
    job = bench.job(1, publish=False)
    bench.ledger.lease(job, 0, seconds=0.05)
    bench.ledger.cancel(job)
    time.sleep(0.1)
    assert bench.sweep() == []
    assert bench.ledger.status(job).cancelled == 1
    assert job not in bench.ledger.active_jobs()
