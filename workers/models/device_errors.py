"""What goes wrong with the device itself, told apart from a picture that a model cannot take.

Memory that ran out, of the GPU or of the CPU's allocator, is a `MemoryError`. Any other error of the GPU leaves the
process's context on it unusable: each later picture would fail, and none of them would be to blame.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workers.models.staged import DeviceLost

_SIGNS = ("DefaultCPUAllocator", "CUDA error: out of memory")
"""How a `RuntimeError` says it: the CPU's allocator, and the driver when no more memory can be pinned."""


@contextmanager
def device_errors() -> Iterator[None]:
    """Raise `MemoryError` or `DeviceLost` in place of torch's own; every other error stays what it is.

    Where memory ran out, what the failed call held is let go of first: who halves the batch has the error in hand
    while it tries the halves, and with it every tensor of the frames in its traceback.
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
