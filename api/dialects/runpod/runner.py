"""Carries tickets out: a thread takes those whose model has workers, and gives each to a thread of its own.

    open ──wake──▶ claim ──▶ a thread with `api.dialects.runpod.work`

A model without workers leaves its tickets in the queue.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import suppress

from api.dependencies import QueryEmbedder
from api.dialects.runpod.work import CLAIM_SECONDS, TicketWork
from vitrine.core.errors import VitrineError
from vitrine.tickets import Claim, TicketState, TicketStore

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Tickets carried out at once by one process; each keeps a group of questions before the workers."""
LOOK_SECONDS = 2.0
"""How often the queue is looked at without a call: for claims that ended, and workers that came."""
PAUSE_SECONDS = 1.0
"""Before asking workers again that did not answer, or looking for Redis again."""
_CLOSE_SECONDS = 5.0


class TicketRunner:
    """One for each API process."""

    def __init__(
        self,
        tickets: TicketStore,
        query_client: QueryEmbedder,
        *,
        at_once: int = AT_ONCE,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._tickets = tickets
        self._lane = query_client
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
            log.exception("claiming tickets failed")
            self._closing.wait(LOOK_SECONDS)
            return None
        self._away = False
        return claim

    def _work(self, claim: Claim) -> None:
        try:
            TicketWork(self._tickets, self._lane, claim, self._closing, self._pause).carry_out()
        except VitrineError as error:
            log.warning("the ticket %s is abandoned: %s", claim.id, error)
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
            log.warning("the ticket %s is abandoned: %s", claim.id, error)
