from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patience import PATIENCE
from tests.unit.workers.ingest.chunk_fixture import Answer, Workshop, png, url
from vitrine.core.errors import LedgerUnavailable, StoreRejected, StoreUnavailable
from vitrine.core.types import FailureReason, ItemFailure, JobState, point_id
from vitrine.ledger import Lease
from vitrine.ledger.base import MAX_PICTURE_CRASHES
from vitrine.store.base import EmbeddingSpace, PointBatch
from vitrine.testing.memory_ledger import MemoryLedger
from vitrine.testing.memory_store import MemoryStore
from vitrine.testing.worker_fakes import DIMENSION, FakeModel, FakePictureSource
from workers.batching import Lane
from workers.fetch.result import FetchedPicture
from workers.ingest.chunk_worker import Report
from workers.ingest.one_by_one import WRITTEN_EVERY
from workers.models.base import Inputs
from workers.normalize import l2_normalise

RED = (255, 0, 0)
T = TypeVar("T")
TIMEOUT = ItemFailure(FailureReason.TIMEOUT, "took too long")


def good(count: int) -> dict[str, bytes]:
    return {url(n): png((n, 0, 255 - n)) for n in range(count)}


def reasons(shop: Workshop, job: str) -> dict[str, int]:
    return dict(shop.ledger.status(job).failed_by_reason)


def test_every_picture_becomes_a_vector_or_a_named_failure() -> None:
    pictures: dict[str, bytes | ItemFailure] = dict(good(64))
    del pictures[url(3)]
    pictures[url(5)] = b"<html>not a picture</html>"
    pictures[url(7)] = png((9, 9, 9))[:60]
    pictures[url(9)] = png(RED)
    model = FakeModel({RED: ValueError("no red today")})
    with Workshop(pictures, model=model) as shop:
        job = shop.job(64)
        assert shop.ingest(job) == {
            "embedded": 60, "failed": 4, "put_off": 0, "failed.model_error": 1,
            "failed.not_an_image": 1, "failed.not_found": 1, "failed.truncated": 1,
        }  # fmt: skip
        assert shop.ledger.status(job).state is JobState.COMPLETED_WITH_FAILURES
        assert reasons(shop, job) == {
            "model_error": 1, "not_an_image": 1, "not_found": 1, "truncated": 1,
        }  # fmt: skip
        failed = {(f"item-{n // 2}", n % 2) for n in (3, 5, 7, 9)}
        assert shop.points() == {(f"item-{n // 2}", n % 2) for n in range(64)} - failed


@pytest.mark.parametrize("deaths", [0, 1], ids=["brisk", "careful"])
def test_the_ledger_is_told_how_long_pictures_were_in_each_stage(deaths: int) -> None:
    pictures: dict[str, bytes | ItemFailure] = dict(good(8))
    del pictures[url(3)]
    pictures[url(5)] = b"<html>not a picture</html>"
    with Workshop(pictures) as shop:
        job = shop.job(8)
        for _ in range(deaths):
            assert isinstance(shop.ledger.lease(job, 0, seconds=0.0), Lease)
        assert shop.ingest(job)["embedded"] == 6
        stages = shop.ledger.status(job).stages
    assert {name: total.pictures for name, total in stages.items()} == {
        "fetch": 8, "decode": 7, "batch": 6, "upsert": 6,
    }  # fmt: skip
    assert all(total.seconds > 0 for total in stages.values())


def test_what_is_stored_is_the_models_own_vector_with_its_provenance() -> None:
    with Workshop(good(2)) as shop:
        job = shop.job(2)
        shop.ingest(job)
        [first, second] = shop.store.item("shop", "item-0")
        assert first.id == point_id("shop", "item-0", 0) != second.id
        pixels = np.tile(np.array([0, 0, 255], np.float32)[:, None, None], (1, 8, 8))
        expected, _ = l2_normalise(shop.model.embed([{"pixel_values": pixels}]))
        np.testing.assert_allclose(first.vector, expected[0], atol=1e-6)
        assert first.payload["image_url"] == url(0)
        assert first.payload["fields"] == {"n": 0}
        provenance = first.payload["provenance"]
        assert (provenance["job"], provenance["model"], provenance["revision"]) == (
            job,
            "fake",
            "fake-1",
        )
        assert len(provenance["content_sha256"]) == 64


def test_a_message_that_comes_twice_does_nothing_the_second_time() -> None:
    with Workshop(good(4)) as shop:
        job = shop.job(4)
        shop.ingest(job)
        assert shop.ingest(job) == {"refused": "done"}
        assert shop.ingest("nosuchjob") == {"refused": "unknown"}
        assert len(shop.source.asked) == 4


def test_transient_failures_are_tried_again_within_the_chunk() -> None:
    flaky: dict[str, Answer] = {**good(3), url(1): [TIMEOUT, png((1, 2, 3))]}
    with Workshop(flaky) as shop:
        job = shop.job(3)
        assert shop.ingest(job) == {"embedded": 3, "failed": 0, "put_off": 0}
        assert shop.source.asked.count(url(1)) == 2


def test_lasting_trouble_is_put_off_for_a_round_and_then_final() -> None:
    with Workshop({**good(3), url(1): TIMEOUT}, rounds=1) as shop:
        job = shop.job(3)
        assert shop.ingest(job) == {"embedded": 2, "failed": 0, "put_off": 1}
        assert shop.ledger.status(job).state is JobState.RUNNING
        later = shop.ledger._jobs[job].chunks[0]
        assert [image.rounds for image in later.images] == [1]
        later.due = 0.0
        assert shop.ingest(job) == {"embedded": 0, "failed": 1, "put_off": 0, "failed.timeout": 1}
        assert reasons(shop, job) == {"timeout": 1}


def test_a_hosts_retry_after_puts_its_pictures_off_that_long() -> None:
    busy = ItemFailure(FailureReason.RATE_LIMITED, "answered 429", retry_after=900.0)
    with Workshop({**good(2), url(1): busy}) as shop:
        job = shop.job(2)
        before = shop.ledger.clock()
        shop.ingest(job)
        after = shop.ledger.clock()
        due = shop.ledger._jobs[job].chunks[0].due
        assert due is not None
        assert before + 900 <= due <= after + 960


class AwayStore(MemoryStore):
    """Refuses the first `times` upserts."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def upsert(self, name: str, points: PointBatch) -> None:
        if self.times:
            self.times -= 1
            raise StoreUnavailable("The store is unreachable.")
        super().upsert(name, points)


def test_nothing_is_marked_done_before_the_store_has_it() -> None:
    with Workshop(good(4), store=AwayStore(1)) as shop:
        job = shop.job(4)
        assert shop.ingest(job) == {"given_back": "store_unavailable"}
        assert shop.ledger.status(job).embedded == 0
        shop.ledger._jobs[job].chunks[0].due = 0.0
        assert shop.ingest(job) == {"embedded": 4, "failed": 0, "put_off": 0}
        assert len(shop.points()) == 4


def test_the_store_is_asked_again_while_there_is_patience() -> None:
    with Workshop(good(4), store=AwayStore(2), store_patience=30) as shop:
        job = shop.job(4)
        assert shop.ingest(job) == {"embedded": 4, "failed": 0, "put_off": 0}


class PickyStore(MemoryStore):
    """Always refuses one item."""

    def upsert(self, name: str, points: PointBatch) -> None:
        if "item-3" in points.item_ids:
            raise StoreRejected("The store does not take item-3.")
        super().upsert(name, points)


def test_a_point_the_store_will_not_take_costs_nobody_else() -> None:
    with Workshop(good(12), store=PickyStore()) as shop:
        job = shop.job(12)
        assert shop.ingest(job) == {
            "embedded": 10,
            "failed": 2,
            "put_off": 0,
            "failed.store_rejected": 2,
        }
        assert reasons(shop, job) == {"store_rejected": 2}
        assert len(shop.points()) == 10


def test_a_collection_of_another_space_is_refused_by_name() -> None:
    with Workshop(good(2)) as shop:
        shop.store.ensure("shop", EmbeddingSpace("siglip", "abc", "rgb-1", DIMENSION))
        job = shop.job(2)
        shop.ingest(job)
        assert reasons(shop, job) == {"store_rejected": 2}
        [failure, _] = shop.ledger.failures(job)
        assert "siglip" in failure.detail
        assert "fake" in failure.detail
        assert shop.points() == set()


def test_stopping_leaves_the_rest_for_others_without_counting_an_attempt() -> None:
    with Workshop(good(4)) as shop:
        job = shop.job(4)
        shop.stopping = True
        assert shop.ingest(job) == {"embedded": 0, "failed": 0, "put_off": 0}
        shop.stopping = False
        assert shop.ledger.sweep(job, lost_before=0) == [0]
        assert shop.ingest(job)["embedded"] == 4


def test_a_cancelled_job_is_left_alone() -> None:
    with Workshop(good(4)) as shop:
        job = shop.job(4)
        shop.ledger.cancel(job)
        assert shop.ingest(job) == {"refused": "cancelled"}
        assert shop.source.asked == []


def die(shop: Workshop, job: str, ordinal: int | None) -> None:
    """Leave the traces of a worker that died while processing a picture."""
    lease = shop.ledger.lease(job, 0, seconds=-1)
    assert isinstance(lease, Lease)
    if ordinal is not None:
        shop.ledger.suspect(lease, ordinal)
    shop.ledger.sweep(job, lost_before=0)


def test_a_chunk_that_a_worker_died_on_is_taken_one_picture_at_a_time() -> None:
    with Workshop(good(20)) as shop:
        job = shop.job(20)
        die(shop, job, None)
        assert shop.ingest(job) == {"embedded": 20, "failed": 0, "put_off": 0}
        assert set(shop.model.batches) == {1}
        assert shop.ledger._jobs[job].strikes.total() == 0


def test_a_chunk_that_a_worker_died_on_is_still_taken_carefully_after_a_stop() -> None:
    with Workshop(good(20)) as shop:
        job = shop.job(20)
        die(shop, job, None)
        shop.stopping = True
        assert shop.ingest(job) == {"embedded": 0, "failed": 0, "put_off": 0}
        shop.stopping = False
        assert shop.ledger.sweep(job, lost_before=0) == [0]
        assert shop.ingest(job) == {"embedded": 20, "failed": 0, "put_off": 0}
        assert set(shop.model.batches) == {1}


def test_a_suspect_goes_first_and_is_cleared_when_it_comes_through() -> None:
    with Workshop(good(6)) as shop:
        job = shop.job(6)
        die(shop, job, None)
        die(shop, job, 4)
        assert shop.ingest(job) == {"embedded": 6, "failed": 0, "put_off": 0}
        assert shop.source.asked[0] == url(4)


def test_a_picture_that_three_workers_died_on_is_dead_lettered_by_name() -> None:
    with Workshop(good(6)) as shop:
        job = shop.job(6)
        for _ in range(MAX_PICTURE_CRASHES):
            die(shop, job, 4)
        assert shop.ingest(job) == {
            "embedded": 5,
            "failed": 1,
            "put_off": 0,
            "failed.crashed_worker": 1,
        }
        [failure] = shop.ledger.failures(job)
        assert failure.reason is FailureReason.CRASHED_WORKER
        assert failure.image.url == url(4)
        assert url(4) not in shop.source.asked


def test_careful_attempts_name_failures_too() -> None:
    pictures: dict[str, Answer] = {**good(5), url(1): b"junk", url(2): TIMEOUT}
    nan = np.full(DIMENSION, np.nan, np.float32)
    pictures[url(3)] = png(RED)
    with Workshop(pictures, model=FakeModel({RED: nan})) as shop:
        job = shop.job(5)
        die(shop, job, None)
        assert shop.ingest(job) == {
            "embedded": 2,
            "failed": 2,
            "put_off": 1,
            "failed.bad_vector": 1,
            "failed.not_an_image": 1,
        }
        assert reasons(shop, job) == {"bad_vector": 1, "not_an_image": 1}


def test_a_chunk_nobody_survives_ends_after_ten_deaths() -> None:
    with Workshop(good(3)) as shop:
        job = shop.job(3)
        for _ in range(10):
            die(shop, job, None)
        assert shop.ingest(job) == {
            "embedded": 0,
            "failed": 3,
            "put_off": 0,
            "failed.crashed_worker": 3,
        }
        assert reasons(shop, job) == {"crashed_worker": 3}


class Death(BaseException):
    """The end of the process, which nothing catches."""


class DeadlyLedger(MemoryLedger):
    """Ends the process once it has named `life` suspects."""

    life = 0

    def suspect(self, lease: Lease, ordinal: int | None) -> None:
        if ordinal is not None:
            self.life -= 1
            if self.life < 0:
                raise Death
        super().suspect(lease, ordinal)


def test_a_storm_of_deaths_keeps_no_chunk_from_its_end() -> None:
    ledger, deaths = DeadlyLedger(), 0
    with Workshop(good(250), ledger=ledger) as shop:
        job = shop.job(250)
        die(shop, job, None)
        while not shop.ledger.status(job).state.finished:
            ledger.life = WRITTEN_EVERY + 1  # a little more than any progress takes
            try:
                shop.ingest(job)
            except Death:
                deaths += 1
                shop.ledger._jobs[job].chunks[0].leased = 0.0
                shop.ledger.sweep(job, lost_before=0)
        assert deaths == 15
        assert shop.ledger.status(job).embedded == 250
        assert len(shop.points()) == 250


def in_a_thread(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    threading.Thread(target=lambda: future.set_result(work()), daemon=True).start()
    return future


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def waiting_for_its_turn(shop: Workshop, job: str) -> Iterator[Future[Report]]:
    """Ingest a chunk one picture at a time: it is given back while another such chunk runs, until the block ends."""
    die(shop, job, None)
    with shop.worker.one_by_one_turn:
        waiting = in_a_thread(lambda: shop.ingest(job))
        wait_until(lambda: shop.ledger._jobs[job].chunks[0].due is not None)
        yield waiting


def test_a_careful_chunk_waits_without_a_lease_until_no_other_is_under_way() -> None:
    with Workshop(good(20)) as shop:
        job = shop.job(20)
        with waiting_for_its_turn(shop, job) as waiting:
            chunk = shop.ledger._jobs[job].chunks[0]
            assert (chunk.leased, chunk.attempts) == (None, 1)
        assert waiting.result(PATIENCE) == {"embedded": 20, "failed": 0, "put_off": 0}
        assert not shop.worker.one_by_one_turn.locked()


def test_a_chunk_that_another_did_while_it_waited_is_refused() -> None:
    with Workshop(good(4)) as shop:
        job = shop.job(4)
        with waiting_for_its_turn(shop, job) as waiting:
            lease = shop.ledger.lease(job, 0, seconds=60)
            assert isinstance(lease, Lease)
            shop.ledger.finish(lease, embedded=[0, 1, 2, 3], failures=[])
        assert waiting.result(PATIENCE) == {"refused": "done"}
        assert not shop.worker.one_by_one_turn.locked()


def test_a_stop_ends_the_wait_for_the_turn() -> None:
    with Workshop(good(4)) as shop:
        job = shop.job(4)
        with waiting_for_its_turn(shop, job) as waiting:
            shop.stopping = True
            assert waiting.result(PATIENCE) == {"given_back": "stopping"}
        assert shop.ledger.sweep(job, lost_before=0) == [0]


@pytest.mark.parametrize("sizes", [[1], [17, 3]])
def test_chunks_of_any_size_come_through(sizes: Sequence[int]) -> None:
    with Workshop(good(20)) as shop:
        for size in sizes:
            assert shop.ingest(shop.job(size))["embedded"] == size


class ForgetfulLedger(MemoryLedger):
    """Is unreachable for the next `away` calls of `suspect`."""

    away = 0

    def suspect(self, lease: Lease, ordinal: int | None) -> None:
        if self.away:
            self.away -= 1
            raise LedgerUnavailable("Redis does not answer.")
        super().suspect(lease, ordinal)


def test_a_ledger_that_is_away_blames_no_picture() -> None:
    ledger = ForgetfulLedger()
    with Workshop(good(4), ledger=ledger, patience=30) as shop:
        job = shop.job(4)
        die(shop, job, None)
        ledger.away = 1
        assert shop.ingest(job) == {"embedded": 4, "failed": 0, "put_off": 0}


def test_a_chunk_whose_ledger_stays_away_fails_as_a_task_and_loses_nothing() -> None:
    ledger = ForgetfulLedger()
    with Workshop(good(4), ledger=ledger) as shop:
        job = shop.job(4)
        die(shop, job, None)
        ledger.away = 1000
        with pytest.raises(LedgerUnavailable):
            shop.ingest(job)
        ledger.away = 0
        assert reasons(shop, job) == {}
        shop.ledger._jobs[job].chunks[0].due = 0.0
        assert shop.ingest(job)["embedded"] == 4


class LockedStore(MemoryStore):
    """Refuses to create collections, as a server does that does not understand the request."""

    def ensure(self, name: str, space: EmbeddingSpace) -> None:
        raise StoreRejected("The store does not take this collection.")


def test_a_store_that_refuses_the_collection_is_the_reason_given() -> None:
    with Workshop(good(2), store=LockedStore()) as shop:
        job = shop.job(2)
        shop.ingest(job)
        assert reasons(shop, job) == {"store_rejected": 2}
        [failure, _] = shop.ledger.failures(job)
        assert "does not take this collection" in failure.detail


def test_a_collection_deleted_under_a_job_is_made_anew() -> None:
    with Workshop(good(4)) as shop:
        first, second = shop.job(2), shop.job(4)
        shop.ingest(first)
        shop.store.delete("shop")
        assert shop.ingest(second) == {"given_back": "store_unavailable"}
        shop.ledger._jobs[second].chunks[0].due = 0.0
        assert shop.ingest(second)["embedded"] == 4


class BrokenStore(MemoryStore):
    """Has a bug."""

    def upsert(self, name: str, points: PointBatch) -> None:
        raise RuntimeError("a bug")


def test_a_bug_fails_the_task_for_all_to_see_and_counts_as_no_death() -> None:
    with Workshop(good(2), store=BrokenStore()) as shop:
        job = shop.job(2)
        with pytest.raises(RuntimeError):
            shop.ingest(job)
        shop.ledger._jobs[job].chunks[0].due = 0.0
        lease = shop.ledger.lease(job, 0, seconds=60)
        assert isinstance(lease, Lease)
        assert lease.attempt == 1


def test_failures_are_stamped_by_the_ledgers_clock() -> None:
    with Workshop({}, ledger=MemoryLedger(lambda: 5000.0)) as shop:
        job = shop.job(1)
        shop.ingest(job)
        assert [failure.failed_at for failure in shop.ledger.failures(job)] == [5000.0]


class YieldingSource(FakePictureSource):
    """Lets other threads run first on each fetch."""

    def fetch(self, url: str, *, file_root: str | None = None) -> Future[FetchedPicture]:
        time.sleep(0.001)
        return super().fetch(url, file_root=file_root)


def test_pictures_of_chunks_that_begin_together_stand_in_line_chunk_by_chunk() -> None:
    source = YieldingSource(good(90))
    with Workshop({}, source=source, window=64) as shop:
        jobs = [shop.job(30, first=number * 30) for number in range(3)]
        threads = [threading.Thread(target=shop.ingest, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    chunks = [int(re.findall(r"\d+", asked)[0]) // 30 for asked in source.asked]
    assert len(chunks) == 90
    assert [len(set(chunks[start : start + 30])) for start in (0, 30, 60)] == [1, 1, 1]


def test_a_fault_between_two_stages_costs_that_picture_and_not_the_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Workshop(good(5)) as shop:
        offer, broken = shop.batcher.offer, iter([True])

        def faulty(inputs: Inputs, *, lane: Lane) -> Future[NDArray[np.float32]] | None:
            if next(broken, False):
                raise RuntimeError("a fault")
            return offer(inputs, lane=lane)

        monkeypatch.setattr(shop.batcher, "offer", faulty)
        job = shop.job(5)
        assert shop.ingest(job) == {"embedded": 4, "failed": 1, "put_off": 0, "failed.corrupt": 1}
        assert reasons(shop, job) == {"corrupt": 1}


def test_what_the_batcher_has_no_room_for_waits_in_the_chunks_own_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Workshop(good(40)) as shop:
        monkeypatch.setattr(shop.batcher, "offer", lambda inputs, *, lane: None)
        job = shop.job(40)
        assert shop.ingest(job) == {"embedded": 40, "failed": 0, "put_off": 0}
