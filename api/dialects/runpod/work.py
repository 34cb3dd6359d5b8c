"""Execution of one claimed ticket.

    input ──▶ queries ──a group at a time──▶ query lane ──▶ output ──▶ finish

Queries that no worker answered in time are sent again, until the ticket's execution time is over. Between two groups the
claim is renewed, which shows whether the ticket was cancelled.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import islice

import orjson

from api.dependencies import QueryEmbedder
from api.dialects.runpod.input import RunPodQuestions, output_json, output_of, questions_of
from vitrine.core.errors import BadInput, Unavailable, VitrineError
from vitrine.query.client import Query, QueryAnswer
from vitrine.tickets import Claim, TicketState, TicketStore

GROUP = 128
"""Queries sent together: enough to fill a batch, few enough to notice a cancel soon."""
GROUP_SECONDS = 60.0
"""Time limit of a group; a full batch of the largest model on a CPU takes half of that."""
CLAIM_SECONDS = GROUP_SECONDS + 30.0
"""Longer than a group, so that the claim outlives it; the tickets of a process that died are free again after this time."""
MAX_ATTEMPTS = 3
"""A ticket that was interrupted this often is not started again: it may be what crashes the processes."""


@dataclass(slots=True)
class TicketWork:
    """The execution of one claimed ticket."""

    tickets: TicketStore
    query_client: QueryEmbedder
    claim: Claim
    closing: threading.Event
    pause: float
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.claim.run_seconds

    def carry_out(self) -> None:
        """Embed the pictures and finish the ticket, unless it was cancelled meanwhile. Raises `LedgerUnavailable`."""
        if self.claim.attempts > MAX_ATTEMPTS:
            self._finish(
                TicketState.FAILED, f"It was started {MAX_ATTEMPTS} times and never finished."
            )
            return
        try:
            asked = questions_of(orjson.loads(self.claim.input))
            answers = self._answers(asked)
            if answers is not None:
                output = output_json(output_of(asked, answers))
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

    def _answers(self, asked: RunPodQuestions) -> list[QueryAnswer] | None:
        """Return an answer for each query; None if the ticket is no longer ours."""
        told: dict[int, QueryAnswer] = {}
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
        """Return whether to continue; raise `_Late` if the ticket's time is over."""
        if self.closing.is_set():
            self.tickets.give_back(self.claim)
            return False
        if time.monotonic() >= self.deadline:
            raise _Late
        return self.tickets.renew(self.claim, seconds=CLAIM_SECONDS)

    def _ask(self, queries: list[Query]) -> list[QueryAnswer]:
        timeout = min(GROUP_SECONDS, max(0.1, self.deadline - time.monotonic()))
        try:
            return self.query_client.embed_many(self.claim.model, queries, timeout=timeout)
        except Unavailable as error:
            return [error] * len(queries)


class _Late(Exception):
    """Raised when a ticket's time is over."""


def _final(answer: QueryAnswer) -> bool:
    """Return whether the answer is final: a retry cannot change it."""
    return not (isinstance(answer, VitrineError) and answer.retryable)
