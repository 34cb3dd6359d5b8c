"""The composition root of the API: what its routes stand on, opened once and closed once."""

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
    """What turns a question into a vector: `vitrine.query.client.QueryClient`, or the fake one."""

    def workers(self, model: str | None = None) -> list[WorkerInfo]:
        """The workers alive now; raises `LedgerUnavailable`."""

    def in_stages(self, job: str) -> Mapping[str, int]:
        """How many pictures of a job the workers have in each stage (`vitrine.core.types.STAGES`); as `workers`."""

    def embed(self, model: str, query: Query, *, timeout: float | None = None) -> QueryVector:
        """Embed the question; raises `BadInput`, `ModelUnavailable` or `LedgerUnavailable`."""

    def embed_many(
        self, model: str, queries: Sequence[Query], *, timeout: float | None = None
    ) -> list[QueryAnswer]:
        """A vector or an error for each question; raises `ModelUnavailable` or `LedgerUnavailable` for all."""


class Messenger(Protocol):
    """What sends chunks' messages: `vitrine.messaging.broker.Publisher`, or a list in tests."""

    def publish(self, job: str, numbers: Sequence[int], model: str) -> None:
        """Send the messages of these chunks; sending one twice is harmless."""

    def waiting(self, models: Collection[str]) -> list[QueueDepth]:
        """How much waits for each of these models; raises `LedgerUnavailable`."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the routes use; each part is safe to use from several threads."""

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
"""How a route asks for the parts."""


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Open the real parts; closes them in the reverse order, also where a later one failed to open.

    Raises `BadInput` for an address that cannot be one. Redis itself need not answer yet: the API
    starts without it and says so in `/readyz`.
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
