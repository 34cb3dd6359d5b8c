"""Embedding a batch so that one picture never fails the others: on an error, halve, down to the culprit.

An out-of-memory is the batch's fault before it is a picture's: the size that fits is remembered, and
grows back slowly, since what filled the device may have gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrine.contracts import FailureReason, ItemFailure

T = TypeVar("T")
Embed: TypeAlias = Callable[[Sequence[T]], NDArray[np.float32]]
GROW_AFTER = 100
"""Good batches at the remembered size before a larger one is tried."""


class FittingSize:
    """The batch size that fits the device, as far as is known."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._good = 0
        self.value = wanted  #: Pictures a batch.

    def overflowed(self, size: int) -> None:
        """A batch of `size` did not fit."""
        self.value = max(1, min(self.value, size // 2))
        self._good = 0

    def fitted(self, size: int) -> None:
        """A batch of `size` fitted."""
        self._good = self._good + 1 if size >= self.value else self._good
        if self._good >= GROW_AFTER and self.value < self._wanted:
            self.value = min(self._wanted, self.value * 2)
            self._good = 0


class Halving(Generic[T]):
    """`embed` made safe: one outcome for each input, whatever raised."""

    def __init__(self, embed: Embed[T], fitting: FittingSize) -> None:
        self._embed = embed
        self._fitting = fitting

    def __call__(self, batch: Sequence[T]) -> list[NDArray[np.float32] | ItemFailure]:
        """A vector, float32 [dimension], or a failure for each input, in order; never raises."""
        try:
            vectors = self._embed(batch)
        except MemoryError:
            self._fitting.overflowed(len(batch))
            failure = ItemFailure(
                FailureReason.OUT_OF_MEMORY, "the device has no memory for this picture alone"
            )
            return self._halve(batch, failure)
        except Exception as error:  # noqa: BLE001 - a model may raise anything on a bad picture
            detail = f"the model raised {type(error).__name__} on it"
            return self._halve(batch, ItemFailure(FailureReason.MODEL_ERROR, detail))
        self._fitting.fitted(len(batch))
        if len(vectors) != len(batch):
            detail = f"the model gave {len(vectors)} vectors for {len(batch)} pictures"
            return [ItemFailure(FailureReason.MODEL_ERROR, detail) for _ in batch]
        return list(vectors)

    def _halve(
        self, batch: Sequence[T], failure: ItemFailure
    ) -> list[NDArray[np.float32] | ItemFailure]:
        if len(batch) == 1:
            return [failure]
        middle = len(batch) // 2
        return [*self(batch[:middle]), *self(batch[middle:])]
