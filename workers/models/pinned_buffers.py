"""Reusable host buffers in which batches are gathered, pinned if a GPU reads them.

A new buffer for each batch (10 MB for 64 pictures of 224 x 224 as bytes) would be fresh memory that the system must
clear page by page; and a GPU can copy asynchronously only from pinned memory.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from workers.models.base import Inputs
from workers.models.preprocess.normalisation import Tensors

Key: TypeAlias = tuple[tuple[str, tuple[int, ...], np.dtype[np.generic]], ...]
"""Name, shape (rows first) and dtype of each input."""
_FREE_A_KEY = 3
"""Free buffers kept per key: one being gathered, one staged, one on the device."""
_FREE = 32
"""Free buffers kept in total: every batch size of a model has its own key."""
_FREE_LARGEST = 4
"""Limit of their total size, as a multiple of the largest buffer so far: incomplete batches come in every size, and a
buffer for each would add up to many batches."""


@dataclass(slots=True, eq=False)
class PinnedBuffer:
    """The inputs of one batch, stacked; its user returns it to the `PinnedBufferPool` afterwards."""

    key: Key
    tensors: Tensors

    @property
    def nbytes(self) -> int:
        """The buffer's size in bytes."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def fill(self, batch: Sequence[Inputs]) -> None:
        """Copy the pictures in; padding rows repeat the last picture, which any model can process."""
        for name, tensor in self.tensors.items():
            rows: NDArray[np.generic] = tensor.numpy()
            for row, inputs in enumerate(batch):
                rows[row] = inputs[name]
            rows[len(batch) :] = batch[-1][name]


class PinnedBufferPool:
    """The buffers of one model. Thread-safe."""

    def __init__(self, *, pinned: bool) -> None:
        self._pinned = pinned
        self._lock = threading.Lock()
        self._free: list[PinnedBuffer] = []  #: Oldest first, by the time of return.
        self._largest = 0

    def gather(self, batch: Sequence[Inputs], rows: int) -> PinnedBuffer:
        """Copy n pictures into a buffer of `rows` >= n rows.

        Raises `ValueError` if their inputs differ in name, shape or dtype.
        """
        first = {name: (array.shape, array.dtype) for name, array in batch[0].items()}
        for other in batch[1:]:
            if {name: (array.shape, array.dtype) for name, array in other.items()} != first:
                raise ValueError("the pictures' inputs are of different shapes")
        slab = self._taken(
            tuple((name, (rows, *shape), dtype) for name, (shape, dtype) in first.items())
        )
        slab.fill(batch)
        return slab

    def give_back(self, slab: PinnedBuffer) -> None:
        """Return a buffer to the pool for the next batch with the same key."""
        with self._lock:
            self._largest = max(self._largest, slab.nbytes)
            if sum(free.key == slab.key for free in self._free) < _FREE_A_KEY:
                self._free.append(slab)
            while len(self._free) > _FREE or self._kept() > _FREE_LARGEST * self._largest:
                del self._free[0]

    def _kept(self) -> int:
        return sum(free.nbytes for free in self._free)

    def _taken(self, key: Key) -> PinnedBuffer:
        with self._lock:
            for at, free in enumerate(self._free):
                if free.key == key:
                    return self._free.pop(at)
        return PinnedBuffer(key, {name: self._made(shape, dtype) for name, shape, dtype in key})

    def _made(self, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> torch.Tensor:
        return torch.empty(
            shape, dtype=torch.from_numpy(np.empty(0, dtype)).dtype, pin_memory=self._pinned
        )
