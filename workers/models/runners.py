"""What runs a batch of pictures on the device: as it comes, or in sizes fixed beforehand.

Compiled code and captured graphs hold for one number of rows each. A batch of another number is padded up to the
next of them where it is gathered, and the padding's vectors are dropped; rows do not see one another, so a
picture's vector does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import torch

from workers.models.preprocess.normalisation import Tensors

Run: TypeAlias = Callable[[Tensors], torch.Tensor]
"""Inputs [rows, …], where the model is, to vectors float32 [rows, dimension]."""


class BatchRunner(Protocol):
    """A way to run batches; only the thread that owns the device calls it."""

    def rows(self, count: int) -> int:
        """How many rows a batch of `count` pictures shall be gathered in; at least `count`."""

    def __call__(self, tensors: Tensors) -> torch.Tensor:
        """Run inputs of that many rows to float32 [rows, dimension]."""


class EagerRunner:
    """Batches as they come."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def rows(self, count: int) -> int:
        """As many as there are."""
        return count

    def __call__(self, tensors: Tensors) -> torch.Tensor:
        """Run them."""
        return self._run(tensors)


class FixedSizeRunner:
    """Batches padded to sizes prepared beforehand; those beyond the largest run as they come.

    So do inputs whose rows have another shape than `example`'s, for which all was prepared: a processor that does not
    crop gives each picture its own.
    """

    def __init__(
        self, prepared: Mapping[int, Run], otherwise: Run, example: Tensors | None = None
    ) -> None:
        self._prepared = dict(sorted(prepared.items()))
        self._otherwise = otherwise
        self._shapes = {name: tensor.shape[1:] for name, tensor in (example or {}).items()}

    def rows(self, count: int) -> int:
        """The smallest prepared size that holds them."""
        return next((rows for rows in self._prepared if rows >= count), count)

    def __call__(self, tensors: Tensors) -> torch.Tensor:
        """Run them by what was prepared for their number of rows."""
        rows = len(next(iter(tensors.values())))
        run = self._prepared.get(rows, self._otherwise) if self._fit(tensors) else self._otherwise
        return run(tensors)

    def _fit(self, tensors: Tensors) -> bool:
        return all(tensors[name].shape[1:] == shape for name, shape in self._shapes.items())


def fixed_sizes(size: int) -> list[int]:
    """The sizes to prepare for batches of up to `size`: it, a quarter of it, and so on to 1.

    A batch is padded to four times its pictures at worst, and that only while the device has time to spare; each
    further size would cost a minute of compiling at the start of the worker.
    """
    sizes = [1]
    while size > 1:
        sizes.append(size)
        size //= 4
    return sorted(set(sizes))
