"""Messages about a full queue: they name the limit, and the jobs that no worker serves."""

from __future__ import annotations

import itertools

import pytest

from producer.submit.backpressure import PendingQuota, refuse_when_full, what_blocks
from vitrine.core.errors import QueueFull
from vitrine.core.types import ImageRef, JobSpec
from vitrine.ledger import NewChunk
from vitrine.testing.memory_ledger import MemoryLedger


def pending(ledger: MemoryLedger, job: str, model: str, pictures: int, asked: str = "") -> None:
    ledger.create(JobSpec(job, "shop", model, asked_model=asked))
    images = [ImageRef(n, f"i{n}", 0, "http://h/1") for n in range(pictures)]
    ledger.add_chunks(job, [NewChunk(images, pictures)])


@pytest.fixture
def ledger() -> MemoryLedger:
    made = MemoryLedger()
    pending(made, "aaa", "google--siglip2", 15, asked="google/siglip2")
    pending(made, "bbb", "google--siglip2", 5, asked="google/siglip2")
    pending(made, "ccc", "builtin", 1)
    return made


def test_a_waiting_submit_names_the_limit_and_the_jobs_without_a_worker(
    ledger: MemoryLedger,
) -> None:
    told = what_blocks(ledger, 21, 10, lambda model: model == "builtin")
    assert told == (
        "21 pictures are pending, the limit is 10; 20 of them wait for google/siglip2, for which "
        "no worker runs: jobs aaa, bbb (vitrine jobs, vitrine cancel JOB)"
    )


def test_where_every_model_is_served_only_the_counts_are_told(ledger: MemoryLedger) -> None:
    told = what_blocks(ledger, 21, 10, lambda _: True)
    assert told == "21 pictures are pending, the limit is 10"


def test_many_jobs_are_counted_and_the_first_named() -> None:
    ledger = MemoryLedger()
    for number in range(5):
        pending(ledger, f"job{number}", "siglip", 1)
    told = what_blocks(ledger, 5, 5, lambda _: False)
    assert "5 of them wait for siglip" in told
    assert "jobs job0, job1, job2 and 2 more" in told


def test_a_refusal_names_the_same(ledger: MemoryLedger) -> None:
    with pytest.raises(
        QueueFull, match=r"limit is 10; 20 of them wait .* jobs aaa, bbb\."
    ) as caught:
        refuse_when_full(ledger, 10, lambda model: model == "builtin")
    assert str(caught.value.hint).startswith("Start a worker for them, or cancel a job (")
    refuse_when_full(ledger, 22, lambda _: False)


def test_pending_pictures_are_counted_the_seldomer_the_more_room_there_is() -> None:
    looks: list[int] = []

    class Counted(MemoryLedger):
        sent = 0

        def pending_images(self) -> int:
            looks.append(self.sent)
            return self.sent

    ledger = Counted()
    room = PendingQuota(ledger, 100_000, lambda _: pytest.fail("there is room"))
    while ledger.sent < 99_000:
        room.take(1000)
        ledger.sent += 1000
    gaps = [after - before for before, after in itertools.pairwise(looks)]
    assert gaps[0] == 7000  # the first write after a sixteenth of 100,000 was sent
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 1000
