"""Host buffers in which batches are gathered: made once and used again, pinned where a GPU reads them.

A fresh buffer of a batch's size (10 MB for 64 pictures of 224 as bytes) is new memory each time, which the system
has to clear page by page; and only from pinned memory does a GPU copy by itself.
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
"""Name, shape with the rows first, and type of each input."""
_FREE_A_KEY = 3
"""Buffers kept of one kind: one being gathered, one staged, one at the device."""
_FREE = 32
"""Buffers kept of all kinds: every batch size of one model has its own."""
_FREE_LARGEST = 4
"""What they may take together, as multiples of the largest there was: incomplete batches come in every size, and a
buffer for each of them would add up to many batches."""


@dataclass(slots=True, eq=False)
class PinnedBuffer:
    """One batch's inputs side by side; whoever is done with them gives it back to its `PinnedBufferPool`."""

    key: Key
    tensors: Tensors

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return sum(tensor.nbytes for tensor in self.tensors.values())

    def fill(self, batch: Sequence[Inputs]) -> None:
        """Copy the pictures in; the rows beyond them repeat the last, which any model can take."""
        for name, tensor in self.tensors.items():
            rows: NDArray[np.generic] = tensor.numpy()
            for row, inputs in enumerate(batch):
                rows[row] = inputs[name]
            rows[len(batch) :] = batch[-1][name]


class PinnedBufferPool:
    """The buffers of one model; thread-safe."""

    def __init__(self, *, pinned: bool) -> None:
        self._pinned = pinned
        self._lock = threading.Lock()
        self._free: list[PinnedBuffer] = []  #: The one that was given back first comes first.
        self._largest = 0

    def gather(self, batch: Sequence[Inputs], rows: int) -> PinnedBuffer:
        """Copy n pictures side by side into a buffer of `rows` >= n rows.

        Raises `ValueError` where their inputs differ in name, shape or type.
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
        """Keep a buffer for the next batch of its kind."""
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
