"""One suite over both ticket stores: in memory, and on a real Redis."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from redis import Redis

from tests.patience import PATIENCE
from vitrine.core.errors import QueueFull
from vitrine.testing.memory_tickets import MemoryTicketStore
from vitrine.tickets import Claim, NewTicket, TicketCounts, TicketState, TicketStore
from vitrine.tickets.redis_tickets import OVERHEAD_BYTES, RedisTicketStore

SHORT = 0.05
"""Seconds of a lifetime that ends within the test."""


def prefix() -> str:
    return f"vitrine:{{tickets-{uuid.uuid4().hex}}}:"


@pytest.fixture(params=["memory", "redis"])
def tickets(request: pytest.FixtureRequest) -> Iterator[TicketStore]:
    if request.param == "memory":
        yield MemoryTicketStore()
        return
    with closing(Redis.from_url(request.getfixturevalue("redis_server"))) as redis:
        yield RedisTicketStore(redis, prefix=prefix())


def opened(tickets: TicketStore, *names: str, model: str = "clip", **options: Any) -> None:
    for name in names:
        tickets.open(NewTicket(name, model, f"input of {name}".encode(), **options))


def claimed(tickets: TicketStore, *models: str, seconds: float = 60) -> Claim:
    claim = tickets.claim(models or ("clip",), seconds=seconds)
    assert claim is not None
    return claim


def state(tickets: TicketStore, name: str) -> TicketState | None:
    found = tickets.get("clip", name)
    return None if found is None else found.state


def test_a_ticket_goes_from_the_queue_to_its_output(tickets: TicketStore) -> None:
    opened(tickets, "a", run_seconds=7.5)
    waiting = tickets.get("clip", "a")
    assert waiting is not None
    assert (waiting.state, waiting.begun, waiting.ended) == (TicketState.IN_QUEUE, None, None)
    claim = claimed(tickets)
    assert (claim.id, claim.model, claim.input) == ("a", "clip", b"input of a")
    assert (claim.run_seconds, claim.attempts) == (7.5, 1)
    assert state(tickets, "a") is TicketState.IN_PROGRESS
    assert tickets.finish(claim, TicketState.COMPLETED, b'{"x":1}')
    done = tickets.get("clip", "a")
    assert done is not None
    assert (done.state, done.output, done.error) == (TicketState.COMPLETED, b'{"x":1}', None)
    assert done.begun is not None
    assert done.ended is not None
    assert done.opened <= done.begun <= done.ended
    assert tickets.counts("clip") == TicketCounts(completed=1)


def test_a_failed_one_keeps_its_reason(tickets: TicketStore) -> None:
    opened(tickets, "a")
    assert tickets.finish(claimed(tickets), TicketState.FAILED, "kein Bild: ü".encode())
    found = tickets.get("clip", "a")
    assert found is not None
    assert (found.state, found.output, found.error) == (TicketState.FAILED, None, "kein Bild: ü")
    assert tickets.counts("clip") == TicketCounts(failed=1)


def test_the_first_comes_first_and_low_ones_last(tickets: TicketStore) -> None:
    opened(tickets, "slow", low=True)
    opened(tickets, "a", "b")
    assert [claimed(tickets).id for _ in range(3)] == ["a", "b", "slow"]
    assert tickets.claim(["clip"], seconds=60) is None


def test_only_the_models_named_are_looked_at(tickets: TicketStore) -> None:
    opened(tickets, "a", model="other")
    assert tickets.claim(["clip"], seconds=60) is None
    assert tickets.claim([], seconds=60) is None
    assert claimed(tickets, "clip", "other").model == "other"
    assert tickets.get("clip", "a") is None
    assert tickets.cancel("clip", "a") is None
    assert tickets.retry("clip", "a") is None


def test_a_claim_that_ended_goes_to_another_and_the_first_changes_nothing_more(
    tickets: TicketStore,
) -> None:
    opened(tickets, "a")
    lost = claimed(tickets, seconds=SHORT)
    time.sleep(2 * SHORT)
    taken = claimed(tickets)
    assert (taken.id, taken.attempts) == ("a", 2)
    assert not tickets.renew(lost, seconds=60)
    assert not tickets.finish(lost, TicketState.FAILED, b"late")
    tickets.give_back(lost)
    assert state(tickets, "a") is TicketState.IN_PROGRESS
    assert tickets.finish(taken, TicketState.COMPLETED, b"{}")
    assert not tickets.finish(taken, TicketState.COMPLETED, b"again")
    assert tickets.counts("clip") == TicketCounts(completed=1)


def test_a_renewed_claim_lasts(tickets: TicketStore) -> None:
    opened(tickets, "a")
    claim = claimed(tickets, seconds=SHORT)
    assert tickets.renew(claim, seconds=60)
    time.sleep(2 * SHORT)
    assert tickets.claim(["clip"], seconds=60) is None


def test_what_is_given_back_is_first_in_the_queue_and_was_no_attempt(tickets: TicketStore) -> None:
    opened(tickets, "a", "b")
    tickets.give_back(claimed(tickets))
    assert tickets.counts("clip") == TicketCounts(in_queue=2)
    again = claimed(tickets)
    assert (again.id, again.attempts) == ("a", 1)


def test_cancelling_ends_what_waits_and_what_runs(tickets: TicketStore) -> None:
    opened(tickets, "a", "b")
    claim = claimed(tickets)
    assert tickets.cancel("clip", "a") is TicketState.CANCELLED
    assert tickets.cancel("clip", "b") is TicketState.CANCELLED
    assert not tickets.renew(claim, seconds=60)
    assert not tickets.finish(claim, TicketState.COMPLETED, b"{}")
    assert tickets.claim(["clip"], seconds=60) is None
    assert state(tickets, "a") is state(tickets, "b") is TicketState.CANCELLED


def test_cancelling_leaves_what_has_ended(tickets: TicketStore) -> None:
    opened(tickets, "a")
    tickets.finish(claimed(tickets), TicketState.COMPLETED, b"{}")
    assert tickets.cancel("clip", "a") is TicketState.COMPLETED
    assert tickets.cancel("clip", "nosuch") is None


@pytest.mark.parametrize("ended", [TicketState.FAILED, TicketState.TIMED_OUT])
def test_a_failed_one_is_queued_anew_with_its_input(
    tickets: TicketStore, ended: TicketState
) -> None:
    opened(tickets, "a")
    tickets.finish(claimed(tickets), ended, b"why")
    assert tickets.retry("clip", "a") is ended
    found = tickets.get("clip", "a")
    assert found is not None
    assert (found.state, found.error, found.begun) == (TicketState.IN_QUEUE, None, None)
    claim = claimed(tickets)
    assert (claim.input, claim.attempts) == (b"input of a", 1)
    assert tickets.counts("clip") == TicketCounts(in_progress=1, failed=1, retried=1)


def test_only_failures_are_tried_again(tickets: TicketStore) -> None:
    opened(tickets, "a")
    assert tickets.retry("clip", "a") is TicketState.IN_QUEUE
    tickets.finish(claimed(tickets), TicketState.COMPLETED, b"{}")
    assert tickets.retry("clip", "a") is TicketState.COMPLETED
    assert tickets.counts("clip") == TicketCounts(completed=1)


def test_purging_cancels_what_waits_for_one_model(tickets: TicketStore) -> None:
    opened(tickets, "a", "b", "c")
    opened(tickets, "d", model="other")
    running = claimed(tickets)
    assert tickets.purge("clip") == 2
    assert tickets.purge("clip") == 0
    assert state(tickets, running.id) is TicketState.IN_PROGRESS
    assert state(tickets, "c") is TicketState.CANCELLED
    assert tickets.counts("other") == TicketCounts(in_queue=1)


def test_one_that_has_lived_its_time_is_forgotten(tickets: TicketStore) -> None:
    ttl = SHORT
    opened(tickets, "waits", "runs", ttl=ttl)
    while (claim := tickets.claim(["clip"], seconds=60)) is None:
        ttl *= 2  # This machine was too slow to claim it before it expired.
        opened(tickets, "waits", "runs", ttl=ttl)
    time.sleep(2 * ttl)
    assert tickets.claim(["clip"], seconds=60) is None
    assert state(tickets, "waits") is None
    assert state(tickets, "runs") is None
    assert not tickets.finish(claim, TicketState.COMPLETED, b"{}")
    assert tickets.counts("clip") == TicketCounts()


def test_an_answer_is_kept_for_its_time(tickets: TicketStore) -> None:
    opened(tickets, "a", keep_seconds=SHORT)
    tickets.finish(claimed(tickets), TicketState.COMPLETED, b"{}")
    assert state(tickets, "a") is TicketState.COMPLETED
    time.sleep(2 * SHORT)
    opened(tickets, "b")
    assert state(tickets, "a") is None


def test_who_waits_is_told_of_the_end(tickets: TicketStore) -> None:
    opened(tickets, "a")
    assert not tickets.wait("a", SHORT)
    told: list[bool] = []
    waiting = threading.Thread(target=lambda: told.append(tickets.wait("a", 30)))
    waiting.start()
    tickets.finish(claimed(tickets), TicketState.COMPLETED, b"{}")
    waiting.join(PATIENCE)
    assert told == [True]


def test_who_looks_for_work_is_woken_by_it(tickets: TicketStore) -> None:
    woken = threading.Event()

    def look() -> None:
        tickets.wait_for_work(30)
        woken.set()

    looking = threading.Thread(target=look)
    looking.start()
    opened(tickets, "a")
    assert woken.wait(PATIENCE)
    looking.join(PATIENCE)


def test_who_looks_for_work_can_be_woken_for_nothing(tickets: TicketStore) -> None:
    tickets.wake()
    # Without the wake-up, it would wait longer than pytest's timeout allows.
    tickets.wait_for_work(1_000_000)


def test_a_full_book_refuses_until_something_has_ended(tickets_of_two: TicketStore) -> None:
    tickets = tickets_of_two
    opened(tickets, "a", "b")
    with pytest.raises(QueueFull) as refused:
        opened(tickets, "c")
    assert refused.value.retry_after > 0
    assert state(tickets, "c") is None
    tickets.finish(claimed(tickets), TicketState.COMPLETED, b"{}")
    opened(tickets, "c")  # takes the space of an ended one
    assert state(tickets, "a") is None
    with pytest.raises(QueueFull):
        opened(tickets, "d")


@pytest.fixture(params=["memory", "redis"])
def tickets_of_two(request: pytest.FixtureRequest) -> Iterator[TicketStore]:
    """A ticket store with space for two."""
    if request.param == "memory":
        yield MemoryTicketStore(limit=2)
        return
    with closing(Redis.from_url(request.getfixturevalue("redis_server"))) as redis:
        limit = 2 * (OVERHEAD_BYTES + len(b"input of a"))
        yield RedisTicketStore(redis, prefix=prefix(), limit=limit)


def test_redis_keeps_nothing_of_what_is_forgotten(redis_server: str) -> None:
    with closing(Redis.from_url(redis_server)) as redis:
        common = prefix()
        tickets = RedisTicketStore(redis, prefix=common)
        opened(tickets, "a", keep_seconds=SHORT)
        tickets.finish(claimed(tickets), TicketState.COMPLETED, b"x" * 1000)
        assert int(redis.get(f"{common}bytes") or 0) == OVERHEAD_BYTES + 1000
        time.sleep(2 * SHORT)
        assert tickets.claim(["clip"], seconds=60) is None
        left = {key.decode().removeprefix(common) for key in redis.scan_iter(f"{common}*")}
        assert left == {"bytes", "seq", "wake", "counts:clip"}
        assert int(redis.get(f"{common}bytes") or 0) == 0


def test_a_ticket_takes_no_more_than_is_reckoned(redis_server: str) -> None:
    with closing(Redis.from_url(redis_server)) as redis:
        common = prefix()
        tickets = RedisTicketStore(redis, prefix=common)
        names = [f"sync-{uuid.uuid4()}" for _ in range(100)]
        opened(tickets, *names)
        taken = sum(redis.memory_usage(key) or 0 for key in redis.scan_iter(f"{common}*"))
        assert taken <= int(redis.get(f"{common}bytes") or 0)
