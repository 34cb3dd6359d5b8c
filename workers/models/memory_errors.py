"""Torch's out-of-memory errors, of the GPU and of the CPU's allocator, as `MemoryError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_SIGNS = ("DefaultCPUAllocator", "CUDA error: out of memory")
"""How a `RuntimeError` says it: the CPU's allocator, and the driver when no more memory can be pinned."""


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise `MemoryError` in place of torch's own; every other error stays what it is."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise MemoryError("the GPU is out of memory") from error
    except RuntimeError as error:
        if not any(sign in str(error) for sign in _SIGNS):
            raise
        raise MemoryError("the machine is out of memory") from error
