"""Tickets with workers that stall, leave, and come back, over the in-memory ticket store and a fake lane."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import orjson
import pytest

from api.dialects.runpod.runner import TicketRunner
from api.dialects.runpod.work import GROUP, MAX_ATTEMPTS, TicketWork
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import SPACE
from vitrine.core.errors import LedgerUnavailable, ModelUnavailable
from vitrine.query.client import Query, QueryAnswer
from vitrine.testing.fake_query_client import FakeQueryClient, fake_worker
from vitrine.testing.memory_tickets import MemoryTicketStore
from vitrine.tickets import Claim, NewTicket, Ticket, TicketState

MODEL = SPACE.model


class StubbornLane(FakeQueryClient):
    """Replies with what `behave` returns for the call's number and its questions, or as usual if that is None."""

    def __init__(self, behave: Callable[[int, Sequence[Query]], list[QueryAnswer] | None]) -> None:
        super().__init__(fake_worker(SPACE))
        self.calls: list[int] = []
        self._behave = behave

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        self.calls.append(len(queries))
        told = self._behave(len(self.calls), queries)
        return super().embed_many(model, queries, timeout=timeout) if told is None else told


def opened(tickets: MemoryTicketStore, images: int = 2, *, run_seconds: float = 60) -> None:
    urls = [f"http://h/{number}.jpg" for number in range(images)]
    given = orjson.dumps({"images": urls})
    tickets.open(NewTicket("t", MODEL, given, run_seconds=run_seconds))


def carried_out(tickets: MemoryTicketStore, query_client: FakeQueryClient) -> Ticket:
    """Claim the ticket once, carry it out, and return it."""
    claim = tickets.claim([MODEL], seconds=60)
    assert claim is not None
    TicketWork(tickets, query_client, claim, threading.Event(), 0.001).carry_out()
    return found(tickets)


def found(tickets: MemoryTicketStore) -> Ticket:
    ticket = tickets.get(MODEL, "t")
    assert ticket is not None
    return ticket


@contextmanager
def running(tickets: MemoryTicketStore, query_client: FakeQueryClient) -> Iterator[TicketRunner]:
    runner = TicketRunner(tickets, query_client, pause=0.01)
    runner.start()
    try:
        yield runner
    finally:
        runner.close()


def test_many_pictures_are_asked_for_in_groups() -> None:
    tickets, lane = MemoryTicketStore(), StubbornLane(lambda *_: None)
    opened(tickets, 2 * GROUP + 5)
    done = carried_out(tickets, lane)
    assert lane.calls == [GROUP, GROUP, 5]
    assert done.output is not None
    embeddings = orjson.loads(done.output)["embeddings"]
    assert [one["image_url"] for one in embeddings] == [
        f"http://h/{number}.jpg" for number in range(2 * GROUP + 5)
    ]


def test_what_no_worker_answered_is_asked_again_and_the_rest_is_not() -> None:
    def late(call: int, queries: Sequence[Query]) -> list[QueryAnswer] | None:
        if call != 1:
            return None
        return [lane.embed(MODEL, queries[0]), ModelUnavailable("No worker answered in time.")]

    tickets, lane = MemoryTicketStore(), StubbornLane(late)
    opened(tickets)
    done = carried_out(tickets, lane)
    assert done.state is TicketState.COMPLETED
    assert lane.calls[0] == 2
    assert lane.calls[-1] == 1
    assert done.output is not None
    assert len(orjson.loads(done.output)["embeddings"]) == 2


def test_workers_that_left_are_waited_for() -> None:
    def away(call: int, _: Sequence[Query]) -> list[QueryAnswer] | None:
        if call < 3:
            raise ModelUnavailable("No worker is running.")
        return None

    tickets = MemoryTicketStore()
    opened(tickets)
    assert carried_out(tickets, StubbornLane(away)).state is TicketState.COMPLETED


def test_a_ticket_past_its_time_is_timed_out() -> None:
    def never(_: int, queries: Sequence[Query]) -> list[QueryAnswer]:
        return [ModelUnavailable("No worker answered in time.")] * len(queries)

    tickets = MemoryTicketStore()
    opened(tickets, run_seconds=0.05)
    done = carried_out(tickets, StubbornLane(never))
    assert done.state is TicketState.TIMED_OUT
    assert done.error == "It took longer than its execution timeout of 0.05 s."


def test_a_cancelled_ticket_gets_no_further_group() -> None:
    def cancelled(call: int, _: Sequence[Query]) -> None:
        if call == 1:
            tickets.cancel(MODEL, "t")

    tickets, lane = MemoryTicketStore(), StubbornLane(cancelled)
    opened(tickets, 3 * GROUP)
    assert carried_out(tickets, lane).state is TicketState.CANCELLED
    assert lane.calls == [GROUP]


def test_one_that_was_cut_off_too_often_is_not_begun_again() -> None:
    tickets, lane = MemoryTicketStore(), StubbornLane(lambda *_: None)
    opened(tickets)
    for _ in range(MAX_ATTEMPTS):
        assert tickets.claim([MODEL], seconds=0) is not None
    done = carried_out(tickets, lane)
    assert done.state is TicketState.FAILED
    assert "never finished" in str(done.error)
    assert lane.calls == []


def test_a_fault_of_ours_fails_the_ticket_without_its_detail() -> None:
    def broken(_: int, __: Sequence[Query]) -> None:
        raise RuntimeError("a secret")

    tickets = MemoryTicketStore()
    opened(tickets)
    with running(tickets, StubbornLane(broken)):
        assert tickets.wait("t", 30)
    assert found(tickets).error == "Something went wrong on our side."


def test_at_the_end_of_the_process_a_ticket_is_given_back() -> None:
    begun, left = threading.Event(), threading.Event()

    def slow(_: int, queries: Sequence[Query]) -> list[QueryAnswer]:
        begun.set()
        assert left.wait(PATIENCE)
        return [ModelUnavailable("No worker answered in time.")] * len(queries)

    tickets = MemoryTicketStore()
    opened(tickets)
    with running(tickets, StubbornLane(slow)) as runner:
        assert begun.wait(PATIENCE)
        closing = threading.Thread(target=runner.close)
        closing.start()
        while not runner.closing:
            pass
        left.set()
        closing.join(PATIENCE)
    assert found(tickets).state is TicketState.IN_QUEUE
    with running(tickets, FakeQueryClient(fake_worker(SPACE))):
        assert tickets.wait("t", 30)
    assert found(tickets).state is TicketState.COMPLETED


def test_without_redis_tickets_are_looked_for_again_when_it_is_back() -> None:
    tickets, lane = MemoryTicketStore(), FakeQueryClient(fake_worker(SPACE))
    lane.failure = LedgerUnavailable("Redis does not answer.")
    opened(tickets)
    with running(tickets, lane):
        assert not tickets.wait("t", 0.1)
        lane.failure = None
        assert tickets.wait("t", 30)
    assert found(tickets).state is TicketState.COMPLETED


def test_tickets_of_a_model_without_workers_are_left_to_others() -> None:
    tickets = MemoryTicketStore()
    tickets.open(NewTicket("t", "clip", b"{}"))
    with running(tickets, FakeQueryClient(fake_worker(SPACE))):
        assert not tickets.wait("t", 0.1)
    assert tickets.counts("clip").in_queue == 1


@pytest.mark.parametrize("given", [b"[]", b"null", b'"x"', b"{}"], ids=range(4))
def test_an_input_of_any_shape_ends(given: bytes) -> None:
    tickets = MemoryTicketStore()
    tickets.open(NewTicket("t", MODEL, given))
    assert carried_out(tickets, FakeQueryClient(fake_worker(SPACE))).state is TicketState.FAILED


def test_a_claim_does_not_show_its_input() -> None:
    assert "secret" not in repr(Claim("t", MODEL, 1, b"secret", 1.0, 1))
    assert "secret" not in repr(NewTicket("t", MODEL, b"secret"))
