"""Traces: one per chunk, from submit through queue, fetch, decode, batch and upsert to the ledger. Off by default.

::

    submit ─┬─ queue
            └─ ingest ─┬─ fetch    from its first picture to its last; the stages overlap
                       ├─ decode
                       ├─ batch    waiting for the device, and running on it
                       ├─ upsert
                       └─ record   writing the outcomes to the ledger

Messages carry no trace context: the trace's id is derived from job and chunk, so every process that works on a chunk
adds to the same trace, even after a crash or if its message was lost and resent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from vitrine.telemetry.stage_times import StageTimes


class ChunkTrace(Protocol):
    """The worker's part of one chunk's trace."""

    def waited(self, seconds: float) -> None:
        """Record that the chunk waited in the queue for this long until now."""

    def worked(self, times: StageTimes) -> None:
        """Record when each stage was active."""


class Traces(Protocol):
    """The destination of spans: a collector, or nothing."""

    @property
    def on(self) -> bool:
        """Whether traces are enabled, so that it is worth computing values that only they use."""

    def submitted(self, job: str, numbers: Sequence[int], model: str, began: float) -> None:
        """Record that these chunks' messages were sent, from `began` (monotonic seconds) until now."""

    def chunk(self, job: str, number: int) -> AbstractContextManager[ChunkTrace]:
        """Trace a worker's processing of the chunk for the duration of the block, including an error that leaves it."""

    def close(self) -> None:
        """Send the remaining spans within a few seconds. Safe to call twice."""


class NoTraces:
    """Traces that record nothing. Also serves as their chunk's trace."""

    @property
    def on(self) -> bool:
        return False

    def submitted(self, job: str, numbers: Sequence[int], model: str, began: float) -> None:
        """Do nothing."""

    @contextmanager
    def chunk(self, job: str, number: int) -> Iterator[ChunkTrace]:  # noqa: ARG002 - the protocol's
        yield self

    def waited(self, seconds: float) -> None:
        """Do nothing."""

    def worked(self, times: StageTimes) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
