"""The contract of the ticket store; one contract suite runs against every implementation.

A ticket is one request whose result is fetched later. Its input is kept until it has a result, so nothing is lost if a
process dies while it runs a ticket: the claim expires, and another process takes the ticket.

::

    open ──▶ IN_QUEUE ──claim──▶ IN_PROGRESS ──finish──▶ COMPLETED | FAILED | TIMED_OUT
              ▲  │  ▲                 │ │                               │       │
              │  │  └── claim ended, ─┘ │                               │       │
              │  │      or given back   │                               │       │
              │  └──cancel──▶ CANCELLED ◀                               │       │
              └─────────────────────────retry───────────────────────────┴───────┘

A ticket is deleted when its `ttl` is over or `keep_seconds` after it finished; finished tickets are deleted earlier if new
ones need the space.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol


class TicketState(enum.StrEnum):
    """The state of a ticket, in the clients' terms."""

    IN_QUEUE = "IN_QUEUE"  #: No process has started it.
    IN_PROGRESS = "IN_PROGRESS"  #: A process has a claim on it.
    COMPLETED = "COMPLETED"  #: It has an output.
    FAILED = "FAILED"  #: It has an error.
    CANCELLED = "CANCELLED"  #: A client cancelled it.
    TIMED_OUT = "TIMED_OUT"  #: It was started and exceeded `run_seconds`.

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen without a new request."""
        return self not in {TicketState.IN_QUEUE, TicketState.IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A request as submitted. Times are in seconds."""

    id: str
    model: str  #: Canonical name; each model has a separate queue.
    input: bytes = field(repr=False)
    run_seconds: float = 600.0  #: Time limit for running it.
    ttl: float = 86_400.0  #: Time limit for waiting and running; then it is deleted.
    keep_seconds: float = 1_800.0  #: How long it is kept after it finished.
    low: bool = False  #: Low priority: all others for its model go first.


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket's current state. Times are Unix seconds by the store's clock."""

    id: str
    model: str
    state: TicketState
    opened: float
    begun: float | None = None
    ended: float | None = None
    output: bytes | None = field(default=None, repr=False)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The exclusive right to run a ticket, for a limited time."""

    id: str
    model: str
    token: int  #: Distinguishes this claim from a later one of the same ticket.
    input: bytes = field(repr=False)
    run_seconds: float
    attempts: int  #: How often it was claimed and not given back, this time included.


@dataclass(frozen=True, slots=True)
class TicketCounts:
    """A model's tickets: the current ones by state, and totals since the store was created."""

    in_queue: int = 0
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    retried: int = 0


class TicketStore(Protocol):
    """The ticket store; safe to use from several threads. Every method raises `LedgerUnavailable` if Redis is unreachable."""

    def open(self, ticket: NewTicket) -> None:
        """Submit a ticket; raises `QueueFull` if the store has no space."""

    def get(self, model: str, ticket: str) -> Ticket | None:
        """Return the model's ticket with that id; None if it does not exist (any more)."""

    def wait(self, ticket: str, seconds: float) -> bool:
        """Wait until the ticket has finished, at most this many seconds; return whether it has."""

    def claim(self, models: Collection[str], *, seconds: float) -> Claim | None:
        """Claim a ticket of one of these models for this long: one whose claim expired, else the first in the queue."""

    def renew(self, claim: Claim, *, seconds: float) -> bool:
        """Extend the claim to this long from now; False if the ticket is no longer ours."""

    def finish(self, claim: Claim, state: TicketState, result: bytes) -> bool:
        """Finish the ticket with an output (COMPLETED) or an error (FAILED, TIMED_OUT); False if it is no longer ours."""

    def give_back(self, claim: Claim) -> None:
        """Return the ticket to the front of its queue as if it had not been claimed; no effect if it is no longer ours."""

    def cancel(self, model: str, ticket: str) -> TicketState | None:
        """Cancel the ticket unless it has finished; return its state afterwards, or None if it does not exist."""

    def retry(self, model: str, ticket: str) -> TicketState | None:
        """Queue the ticket again if it failed or timed out; return its state before, or None if it does not exist."""

    def purge(self, model: str) -> int:
        """Cancel all tickets in the model's queue; return their number."""

    def counts(self, model: str) -> TicketCounts:
        """Return the model's counts."""

    def wait_for_work(self, seconds: float) -> None:
        """Return when a ticket is queued, or after this many seconds."""

    def wake(self) -> None:
        """Wake one of the processes that wait for work."""

    def close(self) -> None:
        """Close the connections."""
