"""Carries tickets out: a thread takes those whose model has workers, and gives each to a thread of its own.

    open ──wake──▶ claim ──▶ questions ──a group at a time──▶ query lane ──▶ output ──▶ finish

A model without workers leaves its tickets in the queue. What no worker answered in time is asked again, until the
ticket's own time is over. Between two groups the claim is renewed, which tells whether the ticket was cancelled.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

import orjson

from api.dialects.runpod_input import Asked, as_json, asked_of, output_of
from api.parts import Lane
from vitrine.errors import BadInput, Unavailable, VitrineError
from vitrine.query_lane import Answer, Query
from vitrine.tickets import Claim, Tickets, TicketState

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Tickets carried out at once by one process; each keeps up to GROUP questions before the workers."""
GROUP = 128
"""Questions asked together: enough to fill a batch, few enough that a cancel is soon noticed."""
GROUP_SECONDS = 60.0
"""What a group may take; a full batch of the largest model on a CPU takes half of that."""
CLAIM_SECONDS = GROUP_SECONDS + 30.0
"""So that a claim outlives its group; a process that died gives its tickets free after this."""
MAX_ATTEMPTS = 3
"""A ticket that was cut off so often is not begun again: it may be what ends the processes."""
LOOK_SECONDS = 2.0
"""How often the queue is looked at without a call: for claims that ended, and workers that came."""
PAUSE_SECONDS = 1.0
"""Before asking workers again that did not answer, or looking for Redis again."""
_CLOSE_SECONDS = 5.0


class Runner:
    """One for each API process."""

    def __init__(
        self, tickets: Tickets, lane: Lane, *, at_once: int = AT_ONCE, pause: float = PAUSE_SECONDS
    ) -> None:
        self._tickets = tickets
        self._lane = lane
        self._pause = pause
        self._places = threading.Semaphore(at_once)
        self._closing = threading.Event()
        self._away = False
        self._running: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._take, name="tickets", daemon=True)

    @property
    def closing(self) -> bool:
        """Whether no more tickets are taken."""
        return self._closing.is_set()

    def start(self) -> None:
        """Begin to take tickets."""
        self._thread.start()

    def close(self) -> None:
        """Take no more, and wait a little for those in work; what is left is given back by its own thread."""
        self._closing.set()
        with suppress(VitrineError):
            self._tickets.wake()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in (self._thread, *self._running):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def await_end(self, ticket: str, seconds: float) -> None:
        """Return when the ticket has ended, after so many seconds, or when this process ends."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._closing.is_set():
            if self._tickets.wait(ticket, min(left, LOOK_SECONDS)):
                return

    # --- taking -----------------------------------------------------------------------------------

    def _take(self) -> None:
        while not self._closing.is_set():
            if not self._places.acquire(timeout=LOOK_SECONDS):
                continue
            claim = self._next()
            if claim is None:
                self._places.release()
                continue
            thread = threading.Thread(
                target=self._work, args=(claim,), name=f"ticket {claim.id}", daemon=True
            )
            self._running.add(thread)
            thread.start()

    def _next(self) -> Claim | None:
        """A claim, or None after a wait for one."""
        try:
            models = list({worker.model for worker in self._lane.workers()})
            random.shuffle(models)  # so that no model's queue always comes last
            claim = self._tickets.claim(models, seconds=CLAIM_SECONDS)
            if claim is None and not self.closing:
                self._tickets.wait_for_work(LOOK_SECONDS)
        except VitrineError as error:
            if not self._away:  # once, not with every look
                log.warning("no tickets are taken until this is over: %s", error)
            self._away = True
            self._closing.wait(self._pause)
            return None
        except Exception:  # this thread's end would leave every ticket lying
            log.exception("looking for tickets failed")
            self._closing.wait(LOOK_SECONDS)
            return None
        self._away = False
        return claim

    def _work(self, claim: Claim) -> None:
        try:
            Work(self._tickets, self._lane, claim, self._closing, self._pause).carry_out()
        except VitrineError as error:
            log.warning("the ticket %s is left: %s", claim.id, error)
        except Exception:
            log.exception("the ticket %s failed", claim.id)
            self._fail(claim)
        finally:
            self._running.discard(threading.current_thread())
            self._places.release()

    def _fail(self, claim: Claim) -> None:
        try:
            self._tickets.finish(claim, TicketState.FAILED, b"Something went wrong on our side.")
        except VitrineError as error:
            log.warning("the ticket %s is left: %s", claim.id, error)


@dataclass(slots=True)
class Work:
    """One claimed ticket on its way to an output."""

    tickets: Tickets
    lane: Lane
    claim: Claim
    closing: threading.Event
    pause: float
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.claim.run_seconds

    def carry_out(self) -> None:
        """Embed and finish; nothing where the ticket was cancelled meanwhile. Raises `LedgerUnavailable`."""
        if self.claim.attempts > MAX_ATTEMPTS:
            self._finish(
                TicketState.FAILED, f"It was begun {MAX_ATTEMPTS} times and never came to an end."
            )
            return
        try:
            asked = asked_of(orjson.loads(self.claim.input))
            answers = self._answers(asked)
            if answers is not None:
                output = as_json(output_of(asked, answers))
                self.tickets.finish(self.claim, TicketState.COMPLETED, output)
        except BadInput as error:
            self._finish(TicketState.FAILED, str(error))
        except _Late:
            seconds = f"{self.claim.run_seconds:g} s"
            self._finish(
                TicketState.TIMED_OUT, f"It took longer than its execution timeout of {seconds}."
            )

    def _finish(self, state: TicketState, why: str) -> None:
        self.tickets.finish(self.claim, state, why.encode())

    def _answers(self, asked: Asked) -> list[Answer] | None:
        """An answer for each question; None where the ticket is no longer ours."""
        told: dict[int, Answer] = {}
        left: dict[int, Query] = {}
        for number, one in enumerate(asked.pictures):
            if isinstance(one, Query):
                left[number] = one
            else:
                told[number] = one
        while left:
            if not self._goes_on():
                return None
            group = dict(islice(left.items(), GROUP))
            answers = zip(group, self._ask(list(group.values())), strict=True)
            final = {number: answer for number, answer in answers if _final(answer)}
            told |= final
            left = {number: query for number, query in left.items() if number not in final}
            if not final:
                self.closing.wait(self.pause)
        return [told[number] for number in range(len(asked.pictures))]

    def _goes_on(self) -> bool:
        """Whether to ask on; raises `_Late` where the ticket's time is over."""
        if self.closing.is_set():
            self.tickets.give_back(self.claim)
            return False
        if time.monotonic() >= self.deadline:
            raise _Late
        return self.tickets.renew(self.claim, seconds=CLAIM_SECONDS)

    def _ask(self, queries: list[Query]) -> list[Answer]:
        timeout = min(GROUP_SECONDS, max(0.1, self.deadline - time.monotonic()))
        try:
            return self.lane.embed_many(self.claim.model, queries, timeout=timeout)
        except Unavailable as error:
            return [error] * len(queries)


class _Late(Exception):
    """Raised when a ticket's time is over."""


def _final(answer: Answer) -> bool:
    """Whether asking again could not change it."""
    return not (isinstance(answer, VitrineError) and answer.retryable)
