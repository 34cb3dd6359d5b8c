"""What a ticket is and what the book of tickets promises; one contract suite runs over every implementation.

A ticket is one request whose answer is fetched later. Its input is kept until it is answered, so a process that dies
while it carries one out loses nothing: the claim ends by itself, and another process takes the ticket.

::

    open ──▶ IN_QUEUE ──claim──▶ IN_PROGRESS ──finish──▶ COMPLETED | FAILED | TIMED_OUT
              ▲  │  ▲                 │ │                               │       │
              │  │  └── claim ended, ─┘ │                               │       │
              │  │      or given back   │                               │       │
              │  └──cancel──▶ CANCELLED ◀                               │       │
              └─────────────────────────retry───────────────────────────┴───────┘

A ticket is forgotten once it has waited or run longer than it may live, or some time after its end; the ended ones also
where new ones need their room.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol


class TicketState(enum.StrEnum):
    """Where a ticket stands, in the words of the clients that ask for it."""

    IN_QUEUE = "IN_QUEUE"  #: Nobody has begun with it.
    IN_PROGRESS = "IN_PROGRESS"  #: A process has a claim on it.
    COMPLETED = "COMPLETED"  #: It has an output.
    FAILED = "FAILED"  #: It has an error.
    CANCELLED = "CANCELLED"  #: Somebody no longer wants it.
    TIMED_OUT = "TIMED_OUT"  #: It was begun and took longer than it may.

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self not in {TicketState.IN_QUEUE, TicketState.IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A request as it is handed in. Times are seconds."""

    id: str
    model: str  #: Canonical name; each model has a queue of its own.
    input: bytes = field(repr=False)
    run_seconds: float = 600.0  #: What carrying it out may take.
    ttl: float = 86_400.0  #: How long it may wait and run; then it is forgotten.
    keep_seconds: float = 1_800.0  #: How long it is kept after its end.
    low: bool = False  #: Whether all others of its model go first.


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands. Times are Unix seconds by the book's clock."""

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
    """The right to carry a ticket out, for a while."""

    id: str
    model: str
    token: int  #: Tells this claim from a later one of the same ticket.
    input: bytes = field(repr=False)
    run_seconds: float
    attempts: int  #: How often it was claimed and not given back, this time included.


@dataclass(frozen=True, slots=True)
class TicketCounts:
    """A model's tickets: those there are, and those that ended since the book began."""

    in_queue: int = 0
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    retried: int = 0


class TicketStore(Protocol):
    """The book of tickets; safe to use from several threads. Everything raises `LedgerUnavailable` without Redis."""

    def open(self, ticket: NewTicket) -> None:
        """Hand a ticket in; raises `QueueFull` where the book has no room."""

    def get(self, model: str, ticket: str) -> Ticket | None:
        """The model's ticket of that id; None where there is none (any more)."""

    def wait(self, ticket: str, seconds: float) -> bool:
        """Wait until the ticket has ended, or for so many seconds: whether it has."""

    def claim(self, models: Collection[str], *, seconds: float) -> Claim | None:
        """Take a ticket of one of these models for so long: one whose claim has ended, else the first in its queue."""

    def renew(self, claim: Claim, *, seconds: float) -> bool:
        """Have the claim last so long from now; False where the ticket is no longer ours to carry out."""

    def finish(self, claim: Claim, state: TicketState, result: bytes) -> bool:
        """End it with an output (COMPLETED) or a sentence (FAILED, TIMED_OUT); False where it is no longer ours."""

    def give_back(self, claim: Claim) -> None:
        """Put it in front of its queue again, as if it had not been claimed; nothing where it is no longer ours."""

    def cancel(self, model: str, ticket: str) -> TicketState | None:
        """Cancel it, unless it has ended: the state it then has; None where there is none."""

    def retry(self, model: str, ticket: str) -> TicketState | None:
        """Queue it anew where it failed or timed out, else leave it: the state it had; None where there is none."""

    def purge(self, model: str) -> int:
        """Cancel all that waits in the model's queue: how many."""

    def counts(self, model: str) -> TicketCounts:
        """The model's counts."""

    def wait_for_work(self, seconds: float) -> None:
        """Return when a ticket was handed in or queued anew, or after so many seconds."""

    def wake(self) -> None:
        """Have one of those that wait for work look."""

    def close(self) -> None:
        """Close the connections."""
