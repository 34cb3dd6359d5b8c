"""Whether a search would work now: the ledger, the store, and a canary picture through every model.

::

    probe ──▶ kept report younger than KEEP_SECONDS? ──yes──▶ answer
                 │ no
                 ▼
              one check in a thread, shared by all probes ──▶ ledger, store, workers, canaries
                 │ not done within PATIENCE_SECONDS
                 ▼
              not ready; the check goes on, the next probe finds its report

The first vector that each embedding space gives is remembered; a later one that differs means that a
worker answers, but not rightly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from api import canary
from api.dependencies import Services
from vitrine.core.errors import VitrineError
from vitrine.core.types import model_name
from vitrine.messaging.worker_registry import WorkerInfo
from vitrine.query.client import Query
from vitrine.store import EmbeddingSpace

KEEP_SECONDS = 3.0
"""How long a report serves, so that probes do not load the workers."""
PATIENCE_SECONDS = 5.0
"""How long a probe waits; below the time that load balancers and supervisors give one."""
MIN_COSINE = 0.999
"""The fast path of one model on different devices stays above this."""
OK = "ok"


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """Each check by name, `ok` or what is wrong with it; notices are no hindrance to a search."""

    checks: Mapping[str, str]
    notices: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return all(found == OK for found in self.checks.values())

    @property
    def wrong(self) -> str:
        """What is wrong, in one line."""
        return "; ".join(f"{name}: {found}" for name, found in self.checks.items() if found != OK)


class Readiness:
    """Checks the parts, one check at a time; `report` belongs to the event loop."""

    def __init__(
        self,
        parts: Services,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._patience = patience
        self._first: dict[EmbeddingSpace, NDArray[np.float32]] = {}
        self._picture = canary.canary_picture()
        # Its own thread: a probe must be answered while searches have all the others.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._running: asyncio.Future[ReadinessReport] | None = None
        self._last: tuple[float, ReadinessReport] | None = None

    async def report(self) -> ReadinessReport:
        """The report, at most KEEP_SECONDS old, within the patience."""
        if self._last is not None and self._clock() - self._last[0] < KEEP_SECONDS:
            return self._last[1]
        if self._running is None:
            loop = asyncio.get_running_loop()
            self._running = loop.run_in_executor(self._thread, self._check)
            self._running.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(self._running), self._patience)
        except TimeoutError:
            return ReadinessReport(
                {"check": f"not done within {self._patience:g} s; a worker or a service hangs"}
            )

    def _done(self, check: asyncio.Future[ReadinessReport]) -> None:
        self._running = None
        if not check.cancelled() and check.exception() is None:
            self._last = (self._clock(), check.result())

    def close(self) -> None:
        """Start no further check."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    # --- in the thread ----------------------------------------------------------------------------

    def _check(self) -> ReadinessReport:
        checks = {
            "ledger": _tried(self._parts.ledger.ping),
            "store": _tried(self._parts.store.ping),
        }
        if checks["ledger"] != OK:
            # The lane is Redis too: without it each canary would only say the same again.
            return ReadinessReport(checks)
        try:
            crew = self._parts.query_client.workers()
        except VitrineError as error:
            return ReadinessReport(checks | {"workers": str(error)})
        notices = {
            f"worker {worker.node}": worker.store_away.sentence()
            for worker in crew
            if worker.store_away is not None
        }
        return ReadinessReport(checks | self._models(crew), notices)

    def _models(self, crew: Sequence[WorkerInfo]) -> dict[str, str]:
        spaces: dict[str, set[EmbeddingSpace]] = {model_name(self._parts.settings.model): set()}
        for worker in crew:
            spaces.setdefault(worker.model, set()).add(worker.space)
        return {f"model {model}": self._model(model, spaces[model]) for model in sorted(spaces)}

    def _model(self, model: str, spaces: set[EmbeddingSpace]) -> str:
        if not spaces:
            return f"no worker is running; start one: vitrine worker --model {model}"
        if len(spaces) > 1:
            return "its workers are of different revisions, policies or dimensions"
        return _tried(lambda: self._canary(model))

    def _canary(self, model: str) -> str | None:
        answer = self._parts.query_client.embed(model, Query("image", self._picture, fresh=True))
        first = self._first.setdefault(answer.space, answer.vector)
        cosine = float(np.dot(first, answer.vector))
        if cosine >= MIN_COSINE:
            return None
        # Written so that a NaN, which compares as false, ends here too.
        return f"the canary picture's vector has changed (cosine {cosine:.4f} with the first)"


def _tried(check: Callable[[], str | None]) -> str:
    try:
        return check() or OK
    except VitrineError as error:
        return str(error)
