"""The steps in which a batch is embedded, so that three threads can share the work.

    stage (copies, one batch ahead)  ->  launch (the device's thread)  ->  vectors (the waiting thread)

A model that can only `embed` does not need these steps, see `workers.batching.unstaged`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from workers.models.base import EmbeddingModel, Inputs


class DeviceLost(BaseException):
    """Raised when this process can no longer use the device.

    It is not an `Exception`, so that handlers of picture errors do not catch it: it ends the thread in which it is
    raised, the watchdog then ends the process, and the ledger gives its chunks to another worker.
    """


class LaunchedBatch(Protocol):
    """A batch that the device is embedding or has embedded."""

    @property
    def finished_at(self) -> float | None:
        """When the device was done, in monotonic seconds; None if the launch did not wait for it."""

    def wait(self) -> None:
        """Block, without the GIL, until the device is done; may raise the same errors as `vectors`."""

    def vectors(self) -> NDArray[np.float32]:
        """Wait for the vectors, release the batch's buffers and return float32 [n, dimension]; called once.

        Raises the device's error; running out of memory is a `MemoryError`.
        """


class StagedBatch(Protocol):
    """A batch whose inputs have been copied, or are being copied, to where the device reads them."""

    def launch(self) -> LaunchedBatch:
        """Start to embed the batch, only in the thread that owns the device; raises like `EmbeddingModel.embed`."""


@runtime_checkable
class StagedModel(EmbeddingModel, Protocol):
    """A model whose batches are staged, launched and awaited in separate steps."""

    def enter(self) -> None:
        """Set up the calling thread as the one that owns the device; before its first launch."""

    def stage(self, batch: Sequence[Inputs]) -> StagedBatch:
        """Gather n pictures; raises `ValueError` if they do not fit together, or an error if memory runs out."""

    def stage_texts(self, texts: Sequence[str]) -> StagedBatch:
        """Gather n texts; raises `BadInput` without a text tower."""


@runtime_checkable
class PrefersBatch(Protocol):
    """A model that knows its best batch size."""

    preferred_batch: int  #: Pictures.


@runtime_checkable
class Tunable(StagedModel, Protocol):
    """A model whose best batch size is found by a search, and that can prepare for it."""

    @property
    def fingerprint(self) -> str:
        """Describes what the speed depends on: models with equal fingerprints have the same best batch size."""

    def tune(self, size: int) -> None:
        """Prepare for batches of up to `size` pictures, in the thread that owns the device; can take minutes."""
