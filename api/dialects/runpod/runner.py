"""The runner of tickets: one thread claims tickets whose model has workers, and starts a new thread for each.

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
"""Tickets that one process runs at the same time; each keeps one group of queries in flight."""
LOOK_SECONDS = 2.0
"""How often the queue is polled without a wake-up: for expired claims and new workers."""
PAUSE_SECONDS = 1.0
"""The pause before a query is sent again to workers that did not respond, or before Redis is tried again."""
_CLOSE_SECONDS = 5.0


class TicketRunner:
    """Runs tickets in the background; one per API process."""

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
        """Whether the runner has stopped claiming tickets."""
        return self._closing.is_set()

    def start(self) -> None:
        """Start claiming tickets."""
        self._thread.start()

    def close(self) -> None:
        """Stop claiming tickets and wait briefly for the running ones; those that are left are given back by their threads."""
        self._closing.set()
        with suppress(VitrineError):
            self._tickets.wake()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in (self._thread, *self._running):
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def await_end(self, ticket: str, seconds: float) -> None:
        """Return when the ticket has ended, after `seconds`, or when this process stops."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._closing.is_set():
            if self._tickets.wait(ticket, min(left, LOOK_SECONDS)):
                return

    # --- claiming ---------------------------------------------------------------------------------

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
        """Return a claim, or None after waiting for one."""
        try:
            models = list({worker.model for worker in self._lane.workers()})
            random.shuffle(models)  # so that no model's queue is always last
            claim = self._tickets.claim(models, seconds=CLAIM_SECONDS)
            if claim is None and not self.closing:
                self._tickets.wait_for_work(LOOK_SECONDS)
        except VitrineError as error:
            if not self._away:  # once, not at every poll
                log.warning("no tickets are claimed until this is resolved: %s", error)
            self._away = True
            self._closing.wait(self._pause)
            return None
        except Exception:  # if this thread ended, no ticket would run any more
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
