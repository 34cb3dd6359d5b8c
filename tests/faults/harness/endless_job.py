"""A job whose catalog continues until the test ends it, so that faults fit into the job however fast the machine is.

A thread sends items as any producer with back-pressure does: only a limited number is pending, so a chunk that is
sent again waits for few others.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from producer import Submission
from tests.faults.harness.environment import COLLECTION, Rig, until
from vitrine.core.errors import NotFound
from vitrine.core.types import CatalogItem, JobSpec, new_job_id
from vitrine.messaging.broker import Publisher

PENDING = 1024
"""Pictures without an outcome: all that one worker takes (12 chunks of 64), and some more."""


class Feed:
    """Feeds `parts` with items, the n-th made by `item`, until the `with` block exits or `end` is called.

    At least `pictures` are sent, so that a count means something even if the faults are over soon.
    """

    def __init__(
        self,
        parts: Rig,
        item: Callable[[int], CatalogItem],
        *,
        pictures: int = 1000,
        workers: int = 1,
    ) -> None:
        self._parts = parts
        self._pending = PENDING * workers
        self._item = item
        self._least = pictures
        self._enough = threading.Event()
        self._broken = threading.Event()
        self._thread = ThreadPoolExecutor(1, "feed")
        self._spec = JobSpec(
            id=new_job_id(), collection=COLLECTION, model="builtin",
            created_at=time.time(), asked_model="builtin",
        )  # fmt: skip
        self.job = self._spec.id

    def __enter__(self) -> Self:
        self._sent = self._thread.submit(self._send)
        until(lambda: self._sent.done() or self._begun(), "the job to begin")
        return self

    def end(self) -> None:
        """End the catalog, without waiting until it is sent."""
        self._enough.set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        if error is not None:
            self._broken.set()
        self._thread.shutdown()
        if error is None:
            self._sent.result()

    def _begun(self) -> bool:
        try:
            return self._parts.status(self.job).images > 0
        except NotFound:
            return False

    def _give_up_if_broken(self, _pending: int) -> None:
        # A service that a fault has stopped for good accepts no more items, so waiting for it would never end.
        if self._broken.is_set():
            raise RuntimeError("the faults ended with an error")

    def _items(self) -> Iterator[CatalogItem]:
        for number in itertools.count():
            enough = self._enough.is_set() and number >= self._least
            if enough or self._broken.is_set():
                return
            yield self._item(number)

    def _send(self) -> None:
        parts = self._parts
        with parts.ledger() as ledger, contextlib.closing(Publisher(parts.settings())) as publisher:
            Submission(
                self._spec, ledger, publisher.publish,
                max_pending=self._pending, on_wait=self._give_up_if_broken,
            ).run(self._items())  # fmt: skip
