"""A batch's way to the device in steps, so that three threads can share the work.

    stage (copies, one batch ahead)  ->  launch (the device's thread)  ->  vectors (whoever waits)

A model that can only `embed` needs none of this, see `workers.batching.unstaged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from workers.models.base import EmbeddingModel, Inputs


class DeviceLost(BaseException):
    """The device cannot be used by this process any more.

    No `Exception`: it passes all who would take it for a picture's fault and ends the thread that meets it; the watchdog
    then ends the process, and the ledger gives its chunks to another.
    """


class LaunchedBatch(Protocol):
    """A batch that the device has, or has done."""

    @property
    def finished_at(self) -> float | None:
        """When the device was done, monotonic seconds, where the launch waited for it; None where it did not."""

    def wait(self) -> None:
        """Block, without the GIL, until the device is done; may raise what `vectors` would."""

    def vectors(self) -> NDArray[np.float32]:
        """Wait for float32 [n, dimension] and give the batch's buffers back; called once.

        Raises what the device raised, an out-of-memory as `MemoryError`.
        """


class StagedBatch(Protocol):
    """A batch whose inputs lie, or are on their way, where the device reads them."""

    def launch(self) -> LaunchedBatch:
        """Have it embedded; only by the thread that owns the device; raises as `EmbeddingModel.embed` does."""


@runtime_checkable
class StagedModel(EmbeddingModel, Protocol):
    """A model whose batches are staged, launched and awaited apart."""

    def enter(self) -> None:
        """Set up the calling thread as the one that owns the device; before its first launch."""

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        """Gather n pictures; raises where they do not fit together (`ValueError`) or into memory."""

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        """Gather n texts; raises `BadInput` without a text tower."""


@runtime_checkable
class PrefersBatch(Protocol):
    """A model that knows its best batch."""

    preferred_batch: int  #: Pictures.


@runtime_checkable
class Tunable(StagedModel, Protocol):
    """A model whose best batch is found by trying, and that can prepare itself for it."""

    @property
    def fingerprint(self) -> str:
        """What its speed depends on, in words: equal where the best batch size is."""

    def tune(self, size: int) -> None:
        """Prepare for batches of up to `size` pictures; in the thread that owns the device; may take minutes."""
