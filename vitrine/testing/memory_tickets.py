"""The ticket store in memory, for one process and for tests."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from vitrine.core.errors import QueueFull
from vitrine.tickets.base import Claim, NewTicket, Ticket, TicketCounts, TicketState


@dataclass(slots=True)
class _MemoryTicket:
    """A ticket, its input, and its claim."""

    new: NewTicket
    shown: Ticket
    turn: float
    forgotten: float
    token: int = 0
    claimed_until: float = 0.0
    attempts: int = 0


class MemoryTicketStore:
    """A `vitrine.tickets.TicketStore` in memory. `limit` counts tickets, not bytes."""

    def __init__(self, *, limit: int = 1000) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._kept: dict[str, _MemoryTicket] = {}
        self._ended: Counter[tuple[str, str]] = Counter()
        self._sequence = 0
        self._wakes = 0

    def open(self, ticket: NewTicket) -> None:
        with self._changed:
            self._sweep()
            self._make_room()
            now = time.time()
            shown = Ticket(ticket.id, ticket.model, TicketState.IN_QUEUE, now)
            self._kept[ticket.id] = _MemoryTicket(
                ticket, shown, self._turn(ticket), now + ticket.ttl
            )
            self._wake()

    def wake(self) -> None:
        with self._changed:
            self._wake()

    def _wake(self) -> None:
        self._wakes += 1
        self._changed.notify_all()

    def _make_room(self) -> None:
        if len(self._kept) < self._limit:
            return
        ended = [kept for kept in self._kept.values() if kept.shown.state.finished]
        if not ended:
            raise QueueFull(f"{self._limit} requests wait already.", retry_after=5.0)
        del self._kept[min(ended, key=lambda kept: kept.forgotten).new.id]

    def _turn(self, ticket: NewTicket) -> float:
        self._sequence += 1
        return self._sequence + (1e13 if ticket.low else 0.0)

    def _sweep(self) -> None:
        now = time.time()
        for ticket in [key for key, kept in self._kept.items() if kept.forgotten <= now]:
            del self._kept[ticket]

    def get(self, model: str, ticket: str) -> Ticket | None:
        with self._changed:
            kept = self._of(model, ticket)
            return None if kept is None else kept.shown

    def _of(self, model: str, ticket: str) -> _MemoryTicket | None:
        kept = self._kept.get(ticket)
        return kept if kept is not None and kept.new.model == model else None

    def wait(self, ticket: str, seconds: float) -> bool:
        def ended() -> bool:
            kept = self._kept.get(ticket)
            return kept is not None and kept.shown.state.finished

        with self._changed:
            return self._changed.wait_for(ended, seconds)

    def wait_for_work(self, seconds: float) -> None:
        with self._changed:
            if self._changed.wait_for(lambda: self._wakes > 0, seconds):
                self._wakes -= 1

    def claim(self, models: Collection[str], *, seconds: float) -> Claim | None:
        with self._changed:
            self._sweep()
            for model in models:
                kept = self._next(model)
                if kept is not None:
                    return self._claimed(kept, seconds)
        return None

    def _next(self, model: str) -> _MemoryTicket | None:
        of_model = [kept for kept in self._kept.values() if kept.new.model == model]
        left = [
            kept
            for kept in of_model
            if kept.shown.state is TicketState.IN_PROGRESS and kept.claimed_until <= time.time()
        ]
        waiting = [kept for kept in of_model if kept.shown.state is TicketState.IN_QUEUE]
        return min(left or waiting, key=lambda kept: kept.turn, default=None)

    def _claimed(self, kept: _MemoryTicket, seconds: float) -> Claim:
        self._sequence += 1
        kept.token = self._sequence
        kept.attempts += 1
        kept.claimed_until = time.time() + seconds
        kept.shown = replace(kept.shown, state=TicketState.IN_PROGRESS, begun=time.time())
        new = kept.new
        return Claim(new.id, new.model, kept.token, new.input, new.run_seconds, kept.attempts)

    def _ours(self, claim: Claim) -> _MemoryTicket | None:
        kept = self._kept.get(claim.id)
        running = kept is not None and kept.shown.state is TicketState.IN_PROGRESS
        return kept if kept is not None and running and kept.token == claim.token else None

    def renew(self, claim: Claim, *, seconds: float) -> bool:
        with self._changed:
            kept = self._ours(claim)
            if kept is not None:
                kept.claimed_until = time.time() + seconds
            return kept is not None

    def finish(self, claim: Claim, state: TicketState, result: bytes) -> bool:
        with self._changed:
            kept = self._ours(claim)
            if kept is None:
                return False
            done = state is TicketState.COMPLETED
            kept.shown = (
                replace(kept.shown, output=result)
                if done
                else replace(kept.shown, error=result.decode())
            )
            self._ended[claim.model, "completed" if done else "failed"] += 1
            self._conclude(kept, state)
            return True

    def _conclude(self, kept: _MemoryTicket, state: TicketState) -> None:
        kept.shown = replace(kept.shown, state=state, ended=time.time())
        kept.forgotten = time.time() + kept.new.keep_seconds
        self._changed.notify_all()

    def give_back(self, claim: Claim) -> None:
        with self._changed:
            kept = self._ours(claim)
            if kept is not None:
                self._sequence += 1
                kept.turn = -self._sequence
                kept.attempts -= 1
                kept.shown = replace(kept.shown, state=TicketState.IN_QUEUE, begun=None)
                self._wake()

    def cancel(self, model: str, ticket: str) -> TicketState | None:
        with self._changed:
            kept = self._of(model, ticket)
            if kept is None:
                return None
            if not kept.shown.state.finished:
                self._conclude(kept, TicketState.CANCELLED)
            return kept.shown.state

    def retry(self, model: str, ticket: str) -> TicketState | None:
        with self._changed:
            kept = self._of(model, ticket)
            if kept is None:
                return None
            before = kept.shown.state
            if before in {TicketState.FAILED, TicketState.TIMED_OUT}:
                self._ended[model, "retried"] += 1
                kept.turn, kept.attempts = self._turn(kept.new), 0
                kept.forgotten = time.time() + kept.new.ttl
                kept.shown = Ticket(ticket, model, TicketState.IN_QUEUE, kept.shown.opened)
                self._wake()
            return before

    def purge(self, model: str) -> int:
        with self._changed:
            waiting = [
                kept
                for kept in self._kept.values()
                if kept.new.model == model and kept.shown.state is TicketState.IN_QUEUE
            ]
            for kept in waiting:
                self._conclude(kept, TicketState.CANCELLED)
            return len(waiting)

    def counts(self, model: str) -> TicketCounts:
        with self._changed:
            states = Counter(k.shown.state for k in self._kept.values() if k.new.model == model)
            ended = [self._ended[model, name] for name in ("completed", "failed", "retried")]
            return TicketCounts(
                states[TicketState.IN_QUEUE], states[TicketState.IN_PROGRESS], *ended
            )

    def close(self) -> None:
        return
