"""Embeds a failed batch in halves, down to the picture at fault, so that one picture never fails the others.

If the device runs out of memory, the batch size is the first suspect. The size that fits is remembered, and grows
back slowly, because whatever filled the device may be gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.core.types import FailureReason, ItemFailure

T = TypeVar("T")
Embed: TypeAlias = Callable[[Sequence[T]], NDArray[np.float32]]
Outcome: TypeAlias = NDArray[np.float32] | ItemFailure
"""A picture's vector, float32 [dimension], or the failure that explains why it has none."""
GROW_AFTER = 100
"""Successful batches at the remembered size before a larger size is tried."""


class FittingBatchSize:
    """The largest batch size known to fit the device, up to the size wanted. Thread-safe."""

    def __init__(self, wanted: int) -> None:
        self._lock = threading.Lock()
        self.want(wanted)

    def want(self, wanted: int) -> None:
        """Aim for another size, and forget which size fitted."""
        with self._lock:
            self._wanted = wanted
            self._good = 0
            self.value = wanted  #: Pictures per batch.

    def overflowed(self, size: int) -> None:
        """Record that a batch of `size` did not fit."""
        with self._lock:
            self.value = max(1, min(self.value, size // 2))
            self._good = 0

    def fitted(self, size: int) -> None:
        """Record that a batch of `size` fitted."""
        with self._lock:
            self._good = self._good + 1 if size >= self.value else self._good
            if self._good >= GROW_AFTER and self.value < self._wanted:
                self.value = min(self._wanted, self.value * 2)
                self._good = 0


class OomSplitter(Generic[T]):
    """Calls `embed` and returns one outcome per input, whatever it raises."""

    def __init__(self, embed: Embed[T], fitting: FittingBatchSize) -> None:
        self._embed = embed
        self._fitting = fitting

    def __call__(self, batch: Sequence[T]) -> list[Outcome]:
        """Return a vector, float32 [dimension], or a failure for each input, in order; never raises."""
        try:
            vectors = self._embed(batch)
        except Exception as error:  # noqa: BLE001 - a model may raise anything on a bad picture
            return self.after(error, batch)
        self._fitting.fitted(len(batch))
        return outcomes(vectors, len(batch))

    def after(self, error: Exception, batch: Sequence[T]) -> list[Outcome]:
        """Return the same for a batch that has already raised `error` as a whole, by trying its halves."""
        if isinstance(error, MemoryError):
            self._fitting.overflowed(len(batch))
        if len(batch) == 1:
            return [_failure(error)]
        middle = len(batch) // 2
        return [*self(batch[:middle]), *self(batch[middle:])]


def outcomes(vectors: NDArray[np.float32], count: int) -> list[Outcome]:
    """Return the rows of `vectors`, or `count` failures if the model returned too few or too many."""
    if len(vectors) == count:
        return list(vectors)
    detail = f"the model returned {len(vectors)} vectors for {count} pictures"
    return [ItemFailure(FailureReason.MODEL_ERROR, detail) for _ in range(count)]


def _failure(error: Exception) -> ItemFailure:
    if isinstance(error, MemoryError):
        detail = "the device has no memory for this picture alone"
        return ItemFailure(FailureReason.OUT_OF_MEMORY, detail)
    return ItemFailure(FailureReason.MODEL_ERROR, f"the model raised {type(error).__name__} on it")
