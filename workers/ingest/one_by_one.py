"""Processes a chunk that a worker died on: one picture at a time, each recorded in the ledger as the suspect beforehand.

This identifies a picture that kills the process. One death only makes it a suspect (the process may have been killed
from outside at that moment). Suspects go first next time, and a third death on the same picture is not chance: it is
then dead-lettered as `crashed_worker` and never touched again.

A process does this for only one chunk at a time: with two, each would have a suspect when it dies. Outcomes are written
every few pictures, so that a chunk is finished even if workers die more often than once per chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from itertools import islice

from vitrine.core.errors import LedgerUnavailable
from vitrine.core.types import FailureReason, ImageRef, ItemFailure
from vitrine.ledger import Lease, Ledger
from vitrine.ledger.base import MAX_PICTURE_CRASHES
from vitrine.telemetry.stage_times import StageTimes
from workers.batching import Lane
from workers.fetch.result import FetchedPicture
from workers.ingest.outcomes import EmbeddedPicture, Outcomes
from workers.ingest.retries import Defer, RetryNow, RetryPolicy
from workers.ingest.retry_ledger import LedgerRetry
from workers.stages import Stages

_AHEAD = 4
"""Pictures fetched ahead while one is decoded and embedded: fetching does not kill workers."""

WRITTEN_EVERY = 16
"""Pictures between two writes of their outcomes. A death loses at most this many; each write costs an upsert and a script."""


@dataclass(slots=True)
class OneByOneChunk:
    """One chunk processed one by one, the only such chunk in its process; `run` is called once."""

    stages: Stages
    ledger: Ledger
    lease: Lease
    retries: RetryPolicy
    file_root: str | None
    stopped: Callable[[], bool]
    patience: LedgerRetry
    write: Callable[[Outcomes], None]
    """Stores the vectors and records embedded and failed pictures; deferrals are recorded at the end."""
    times: StageTimes = field(default_factory=StageTimes)
    outcomes: Outcomes = field(default_factory=Outcomes)

    def run(self) -> Outcomes:
        """Process every picture and return the outcomes not yet written; after a stop, the remaining pictures have none."""
        for image in self.lease.chunk.images:
            if image.ordinal in self.lease.poison_ordinals:
                detail = f"{MAX_PICTURE_CRASHES} worker processes died on it"
                self.outcomes.fail_with(image, FailureReason.CRASHED_WORKER, detail)
        for taken, (image, future) in enumerate(self._fetch_ahead()):
            if taken and taken % WRITTEN_EVERY == 0:
                self._write()
            self._take(image, future)
            if self.stopped():
                break
        return self.outcomes

    def _write(self) -> None:
        self.write(self.outcomes)
        self.outcomes.embedded.clear()
        self.outcomes.failures.clear()

    def _in_order(self) -> list[ImageRef]:
        """Return the pictures with the suspects first, and without those that are dead-lettered."""
        images = [i for i in self.lease.chunk.images if i.ordinal not in self.lease.poison_ordinals]
        return sorted(images, key=lambda image: image.ordinal not in self.lease.suspects)

    def _fetch_ahead(self) -> Iterator[tuple[ImageRef, Future[FetchedPicture]]]:
        coming = iter(self._in_order())

        def begin(image: ImageRef) -> tuple[ImageRef, Future[FetchedPicture]]:
            self.times.move(None, "fetch")
            future = self.stages.fetcher.fetch(image.url, file_root=self.file_root)
            future.add_done_callback(lambda _: self.times.move("fetch", None))
            future.add_done_callback(_uncount)
            return image, future

        ahead = [begin(image) for image in islice(coming, _AHEAD)]
        while ahead:
            yield ahead.pop(0)
            ahead += [begin(image) for image in islice(coming, 1)]

    def _take(self, image: ImageRef, future: Future[FetchedPicture]) -> None:
        try:
            self.outcomes.embedded.append(self._embed(image, future.result()))
        except ItemFailure as failure:
            self._failed(image, failure)
        except LedgerUnavailable:
            raise  # The picture is not at fault: the chunk is given back as it is.
        except CancelledError:
            pass  # A stage is closing: the picture stays without an outcome.
        except Exception as error:  # noqa: BLE001 - whatever a stage raises fails only this picture
            detail = f"{type(error).__name__} while it was prepared"
            self.outcomes.fail_with(image, FailureReason.CORRUPT, detail)

    def _embed(self, image: ImageRef, fetched: FetchedPicture) -> EmbeddedPicture:
        self.patience(lambda: self.ledger.suspect(self.lease, image.ordinal))
        try:
            with self.times.during("decode"):
                prepared = self.stages.prepare(fetched, lane=Lane.BULK).result()
            with self.times.during("batch"):
                future = self.stages.submit(prepared, lane=Lane.BULK, alone=True)
                vector = future.result()
        finally:
            self.patience(lambda: self.ledger.suspect(self.lease, None))
        return EmbeddedPicture(image, vector, prepared.content_sha256, prepared.etag)

    def _failed(self, image: ImageRef, failure: ItemFailure) -> None:
        # Never wait for a retry here: a chunk that kills workers must not also delay the next one.
        match self.retries.decide(image, failure, self.retries.attempts):
            case Defer(seconds) | RetryNow(seconds):
                self.outcomes.defer(image, seconds)
            case None:
                self.outcomes.fail(image, failure)


def _uncount(fetch: Future[FetchedPicture]) -> None:
    """Release the byte reservation of a picture that was fetched ahead.

    A one-by-one chunk waits for one particular picture. If the pictures fetched ahead filled the byte limit, that one
    would wait for them forever. Their number is bounded anyway.
    """
    if not fetch.cancelled() and fetch.exception() is None and (hold := fetch.result().hold):
        hold.release()
