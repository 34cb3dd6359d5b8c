"""The composition root of the API: the services that its routes use, opened once and closed once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from vitrine.core.settings import Settings
from vitrine.ledger import Ledger
from vitrine.ledger.journaled import JournaledLedger
from vitrine.messaging.broker import Publisher, QueueDepth
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.query.client import Query, QueryAnswer, QueryClient, QueryVector
from vitrine.store import VectorStore
from vitrine.store.open import open_store
from vitrine.telemetry.open import open_traces
from vitrine.tickets import TicketStore
from vitrine.tickets.redis_tickets import RedisTicketStore


class QueryEmbedder(Protocol):
    """The interface that turns queries into vectors: `vitrine.query.client.QueryClient`, or a fake in tests."""

    def workers(self, model: str | None = None) -> list[WorkerInfo]:
        """Return the workers that are alive; raise `LedgerUnavailable`."""

    def in_stages(self, job: str) -> Mapping[str, int]:
        """Return the number of a job's pictures in each stage (`vitrine.core.types.STAGES`); raise `LedgerUnavailable`."""

    def embed(self, model: str, query: Query, *, timeout: float | None = None) -> QueryVector:
        """Embed one query; raise `BadInput`, `ModelUnavailable` or `LedgerUnavailable`."""

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """Return a vector or an error for each query; raise `ModelUnavailable` or `LedgerUnavailable` for all of them."""


class Messenger(Protocol):
    """The interface that sends chunk messages: `vitrine.messaging.broker.Publisher`, or a list in tests."""

    def publish(self, job: str, numbers: Sequence[int], model: str) -> None:
        """Send the messages of these chunks; sending one twice is harmless."""

    def waiting(self, models: Collection[str]) -> list[QueueDepth]:
        """Return the queue depth of each of these models; raise `LedgerUnavailable`."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services that the routes use; all are thread-safe."""

    settings: Settings
    ledger: Ledger
    store: VectorStore
    query_client: QueryEmbedder
    publisher: Messenger
    tickets: TicketStore


async def _of_app(request: Request) -> Services:
    parts: Services = request.app.state.parts
    return parts


RequestServices = Annotated[Services, Depends(_of_app)]
"""A route's dependency on the services."""


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Open the real services; close them in reverse order, even if a later one fails to open.

    Raises `BadInput` for an invalid address. Redis need not be reachable yet: the API starts without it, and
    `/readyz` reports it.
    """
    with ExitStack() as stack:
        ledger = JournaledLedger.from_settings(settings)
        stack.callback(ledger.close)
        store = open_store(settings)
        stack.callback(store.close)
        lane = QueryClient.open(settings)
        stack.callback(lane.close)
        publisher = Publisher(settings, open_traces(settings, "api"))
        stack.callback(publisher.close)
        tickets = RedisTicketStore.connect(settings.redis_url.get_secret_value())
        stack.callback(tickets.close)
        yield Services(settings, ledger, store, lane, publisher, tickets)
