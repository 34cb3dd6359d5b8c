"""Readiness, which is whether a search would work now: checks the ledger, the store, and every model with a canary picture.

::

    probe ──▶ cached report younger than KEEP_SECONDS? ──yes──▶ return it
                 │ no
                 ▼
              one check in a thread, shared by all probes ──▶ ledger, store, workers, canaries
                 │ not done within PATIENCE_SECONDS
                 ▼
              not ready; the check continues, and the next probe gets its report

The first canary vector of each embedding space is kept; a later one that differs means that a worker
responds, but with wrong vectors.
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
"""How long a report is reused, so that probes do not load the workers."""
PATIENCE_SECONDS = 5.0
"""How long a probe waits; shorter than the timeouts of load balancers and supervisors."""
MIN_COSINE = 0.999
"""The cosine between one model's fast-path vectors on different devices stays above this."""
OK = "ok"


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """Each check by name, with `ok` or the error; notices do not affect searches."""

    checks: Mapping[str, str]
    notices: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether all checks are ok."""
        return all(found == OK for found in self.checks.values())

    @property
    def wrong(self) -> str:
        """The failed checks, in one line."""
        return "; ".join(f"{name}: {found}" for name, found in self.checks.items() if found != OK)


class Readiness:
    """Checks the services, one check at a time; call `report` on the event loop."""

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
        # A dedicated thread: a probe must get a response while searches use all the others.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._running: asyncio.Future[ReadinessReport] | None = None
        self._last: tuple[float, ReadinessReport] | None = None

    async def report(self) -> ReadinessReport:
        """Return a report at most KEEP_SECONDS old; one that says `not done` if the check takes longer than the patience."""
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
                {"check": f"not done within {self._patience:g} s; a worker or a service is stuck"}
            )

    def _done(self, check: asyncio.Future[ReadinessReport]) -> None:
        self._running = None
        if not check.cancelled() and check.exception() is None:
            self._last = (self._clock(), check.result())

    def close(self) -> None:
        """Stop starting checks."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    # --- in the thread ----------------------------------------------------------------------------

    def _check(self) -> ReadinessReport:
        checks = {
            "ledger": _tried(self._parts.ledger.ping),
            "store": _tried(self._parts.store.ping),
        }
        if checks["ledger"] != OK:
            # The query lane uses Redis too: without it, each canary would only repeat the same error.
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
            return "its workers have different revisions, policies or dimensions"
        return _tried(lambda: self._canary(model))

    def _canary(self, model: str) -> str | None:
        answer = self._parts.query_client.embed(model, Query("image", self._picture, fresh=True))
        first = self._first.setdefault(answer.space, answer.vector)
        cosine = float(np.dot(first, answer.vector))
        if cosine >= MIN_COSINE:
            return None
        # The comparison above is false for NaN, so that a NaN ends here too.
        return f"the canary picture's vector has changed (cosine {cosine:.4f} with the first)"


def _tried(check: Callable[[], str | None]) -> str:
    try:
        return check() or OK
    except VitrineError as error:
        return str(error)
