"""Runs batches of pictures on the device, either at their own size or padded to fixed sizes.

Compiled code and captured graphs work for one number of rows each. A batch with another number is padded to the next
larger size when it is gathered, and the padding's vectors are dropped. Rows are independent, so padding does not change
a picture's vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import torch

from workers.models.preprocess.normalisation import Tensors

Run: TypeAlias = Callable[[Tensors], torch.Tensor]
"""Maps inputs [rows, …] on the model's device to vectors float32 [rows, dimension]."""


class BatchRunner(Protocol):
    """A way to run batches; only the thread that owns the device calls it."""

    def rows(self, count: int) -> int:
        """Return the number of rows in which to gather a batch of `count` pictures; at least `count`."""

    def __call__(self, tensors: Tensors) -> torch.Tensor:
        """Run inputs with that many rows; return float32 [rows, dimension]."""


class EagerRunner:
    """Runs batches at their own size."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def rows(self, count: int) -> int:
        """Return `count`: no padding."""
        return count

    def __call__(self, tensors: Tensors) -> torch.Tensor:
        """Run the batch."""
        return self._run(tensors)


class FixedSizeRunner:
    """Runs batches padded to prepared sizes; batches above the largest size run at their own size.

    So do inputs whose rows have another shape than those of `example`, for which the runs were prepared: a processor
    that does not crop produces a different shape for each picture.
    """

    def __init__(
        self, prepared: Mapping[int, Run], otherwise: Run, example: Tensors | None = None
    ) -> None:
        self._prepared = dict(sorted(prepared.items()))
        self._otherwise = otherwise
        self._shapes = {name: tensor.shape[1:] for name, tensor in (example or {}).items()}

    def rows(self, count: int) -> int:
        """Return the smallest prepared size that fits, or `count` if none does."""
        return next((rows for rows in self._prepared if rows >= count), count)

    def __call__(self, tensors: Tensors) -> torch.Tensor:
        """Run the batch with the run prepared for its number of rows."""
        rows = len(next(iter(tensors.values())))
        run = self._prepared.get(rows, self._otherwise) if self._fit(tensors) else self._otherwise
        return run(tensors)

    def _fit(self, tensors: Tensors) -> bool:
        return all(tensors[name].shape[1:] == shape for name, shape in self._shapes.items())


def fixed_sizes(size: int) -> list[int]:
    """Return the sizes to prepare for batches of up to `size`: `size`, a quarter of it, and so on down to 1.

    At worst a batch is padded to four times its pictures, and only while the device is not busy. Each additional size
    would add a minute of compiling to the worker's start.
    """
    sizes = [1]
    while size > 1:
        sizes.append(size)
        size //= 4
    return sorted(set(sizes))
