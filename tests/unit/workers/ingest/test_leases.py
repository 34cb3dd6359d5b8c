from __future__ import annotations

from vitrine.contracts import ImageRef, JobSpec
from vitrine.fakes.memory_ledger import MemoryLedger
from vitrine.ledger import Lease, NewChunk
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
