"""Distinguishes errors of the device from a picture that a model cannot process.

Running out of GPU or CPU memory becomes a `MemoryError`. Any other GPU error makes the process's context on it unusable:
every later picture would fail without being at fault.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workers.models.staged import DeviceLost

_SIGNS = ("DefaultCPUAllocator", "CUDA error: out of memory")
"""How a `RuntimeError` shows it: from the CPU's allocator, or from the driver if no more memory can be pinned."""


@contextmanager
def device_errors() -> Iterator[None]:
    """Raise `MemoryError` or `DeviceLost` instead of torch's errors; other errors are unchanged.

    If memory ran out, the frames of the failed call are cleared first. The batcher holds the error while it tries the
    halves of the batch, and the error's traceback would keep every tensor of those frames alive.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        traceback.clear_frames(error.__traceback__)
        torch.cuda.empty_cache()
        raise MemoryError("the GPU is out of memory") from error
    except RuntimeError as error:
        if any(sign in str(error) for sign in _SIGNS):
            traceback.clear_frames(error.__traceback__)
            raise MemoryError("the machine is out of memory") from error
        if isinstance(error, torch.AcceleratorError):
            raise DeviceLost(str(error).splitlines()[0]) from error
        raise
