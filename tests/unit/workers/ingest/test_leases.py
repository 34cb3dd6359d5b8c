from __future__ import annotations

from contextlib import ExitStack

from vitrine.core.types import ImageRef, JobSpec
from vitrine.ledger import Lease, NewChunk
from vitrine.testing.memory_ledger import MemoryLedger
from workers.ingest.leases import LeaseKeeper


def test_held_leases_are_renewed_until_they_are_lost_or_let_go() -> None:
    now = [1000.0]
    ledger = MemoryLedger(lambda: now[0])
    ledger.create(JobSpec("job", "shop", "fake"))
    image = ImageRef(0, "item", 0, "https://shop.example/0.jpg")
    ledger.add_chunks("job", [NewChunk([image], 1)])
    ledger.seal("job")
    keeper = LeaseKeeper(ledger, seconds=30)
    lease = ledger.lease("job", 0, seconds=30)
    assert isinstance(lease, Lease)
    with keeper.holding(lease) as held:
        now[0] += 25
        keeper.renew_all()
        now[0] += 25
        assert ledger.sweep("job", lost_before=0) == []
        assert not held.lost()
        ledger.cancel("job")
        keeper.renew_all()
        assert held.lost()
    keeper.renew_all()


def test_pictures_in_work_are_told_by_job_and_stage() -> None:
    ledger = MemoryLedger()
    keeper = LeaseKeeper(ledger, seconds=30)
    leases = []
    for job, chunks in (("one", 2), ("other", 1)):
        ledger.create(JobSpec(job, "shop", "fake"))
        images = [ImageRef(n, f"item-{n}", 0, f"https://shop.example/{n}.jpg") for n in range(2)]
        ledger.add_chunks(job, [NewChunk([image], 1) for image in images[:chunks]])
        leases += [ledger.lease(job, number, seconds=30) for number in range(chunks)]
    with ExitStack() as stack:
        for lease, stage in zip(leases, ("fetch", "fetch", "decode"), strict=True):
            assert isinstance(lease, Lease)
            stack.enter_context(keeper.holding(lease)).times.move(None, stage)
        assert keeper.in_stages() == {"one": {"fetch": 2}, "other": {"decode": 1}}
    assert keeper.in_stages() == {}
