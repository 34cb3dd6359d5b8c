"""Traces: one for each chunk, from submit through queue, fetch, decode, batch and upsert to the ledger. Off by default.

::

    submit ─┬─ queue
            └─ ingest ─┬─ fetch    from its first picture to its last; the stages overlap
                       ├─ decode
                       ├─ batch    the wait for the device, and on it
                       ├─ upsert
                       └─ record   the outcomes into the ledger

Nothing travels with the message: the trace's id follows from job and chunk, so whoever works on a chunk adds to the same
trace, also after a crash, or when its message was lost and sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from vitrine.telemetry.stage_times import StageTimes


class ChunkTrace(Protocol):
    """The worker's part of one chunk's trace."""

    def waited(self, seconds: float) -> None:
        """It was in the queue for so long until now."""

    def worked(self, times: StageTimes) -> None:
        """Its stages were at work then."""


class Traces(Protocol):
    """Where spans go: to a collector, or nowhere."""

    @property
    def on(self) -> bool:
        """Whether it is worth finding out what only a trace tells."""

    def submitted(self, job: str, numbers: Sequence[int], model: str, began: float) -> None:
        """These chunks' messages were sent, from `began` (monotonic seconds) until now."""

    def chunk(self, job: str, number: int) -> AbstractContextManager[ChunkTrace]:
        """A worker is at the chunk for the length of the block; an error that leaves it is told."""

    def close(self) -> None:
        """Send what is left, within some seconds; safe to call twice."""


class NoTraces:
    """Tells nobody; also a chunk's trace that nobody is told."""

    @property
    def on(self) -> bool:
        return False

    def submitted(self, job: str, numbers: Sequence[int], model: str, began: float) -> None:
        """Nothing."""

    @contextmanager
    def chunk(self, job: str, number: int) -> Iterator[ChunkTrace]:  # noqa: ARG002 - the protocol's
        yield self

    def waited(self, seconds: float) -> None:
        """Nothing."""

    def worked(self, times: StageTimes) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
