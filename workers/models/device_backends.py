"""Runs a torch model's batches: synchronously on the CPU, or asynchronously on a GPU.

On a GPU, inputs are copied on a separate stream, while the previous batch computes. The launch only queues work (wait for
the copy, run, copy the vectors back). The thread that needs the vectors waits for an event, without the GIL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from workers.models.device_errors import device_errors
from workers.models.preprocess.normalisation import Tensors
from workers.models.runners import Run
from workers.models.staged import LaunchedBatch, StagedBatch

_cuda: Any = torch.cuda  # the constructors of its streams and events are not annotated


@dataclass(frozen=True, slots=True)
class HostBatch:
    """A batch in host memory: its inputs [rows, …], of which the first `count` rows are pictures or texts."""

    tensors: Tensors
    count: int
    run: Run
    release: Callable[[], None]  #: Called when nothing reads the tensors any more.


class DeviceBackend(Protocol):
    """The way to run batches on one device."""

    pinned: bool  #: Whether its batches should be in pinned memory.

    def enter(self) -> None:
        """Set up the calling thread as the one that owns the device."""

    def stage(self, load: HostBatch) -> StagedBatch:
        """Bring a batch to the device."""


class CpuBackend:
    """The CPU: batches stay where they are, and a launch returns when everything is computed."""

    pinned = False

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def enter(self) -> None:
        """Set the threads per operation to the number stored at creation, whatever decoder threads have set since."""
        # A thread adopts the process's number when torch first reads it. Read it now, or that would later undo the setting.
        torch.get_num_threads()
        torch.set_num_threads(self._threads)

    def stage(self, load: HostBatch) -> StagedBatch:
        """Leave the batch where it is."""
        return _OnCpu(load)


@dataclass(frozen=True, slots=True)
class _OnCpu:
    load: HostBatch

    def launch(self) -> LaunchedBatch:
        try:
            with device_errors(), torch.inference_mode():
                vectors = self.load.run(self.load.tensors)[: self.load.count].numpy()
        finally:
            self.load.release()
        return _Ready(vectors, time.monotonic())


@dataclass(frozen=True, slots=True)
class _Ready:
    result: NDArray[np.float32]
    finished_at: float

    def wait(self) -> None:
        """Return immediately: the vectors are computed."""

    def vectors(self) -> NDArray[np.float32]:
        return self.result


class GpuBackend:
    """One GPU of this process."""

    pinned = True

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._copying: torch.cuda.Stream = _cuda.Stream(self._device)

    def enter(self) -> None:
        """Set the calling thread's device."""
        torch.cuda.set_device(self._device)

    def stage(self, load: HostBatch) -> StagedBatch:
        """Start to copy the batch to the GPU."""
        with device_errors(), torch.inference_mode(), torch.cuda.stream(self._copying):
            there = {
                name: tensor.to(self._device, non_blocking=True)
                for name, tensor in load.tensors.items()
            }
            copied = _cuda.Event()
            copied.record(self._copying)
        return _OnGpu(load, there, copied, self._device)


@dataclass(frozen=True, slots=True)
class _OnGpu:
    load: HostBatch
    there: Tensors
    copied: torch.cuda.Event
    device: torch.device

    def launch(self) -> LaunchedBatch:
        with device_errors(), torch.inference_mode(), torch.cuda.device(self.device):
            stream = torch.cuda.current_stream()
            stream.wait_event(self.copied)
            vectors = self.load.run(self.there)[: self.load.count]
            back = torch.empty(vectors.shape, dtype=torch.float32, pin_memory=True)
            back.copy_(vectors, non_blocking=True)
            # With a blocking event the thread sleeps; otherwise it would occupy a core that a decoder could use.
            done = _cuda.Event(blocking=True)
            done.record(stream)
        return _Flying(back, done, self.there, self.load.release)


@dataclass(frozen=True, slots=True)
class _Flying:
    back: torch.Tensor
    done: torch.cuda.Event
    there: Tensors
    """Kept until the device is done: if released, the next copy would reuse their memory on another stream than the reader's."""
    release: Callable[[], None]
    finished_at: None = None

    def wait(self) -> None:
        with device_errors():
            self.done.synchronize()

    def vectors(self) -> NDArray[np.float32]:
        self.wait()
        self.release()
        result: NDArray[np.float32] = self.back.numpy()
        return result


def backend_of(device: str) -> DeviceBackend:
    """Create the backend for a device name returned by `resolve_device`."""
    return CpuBackend(torch.get_num_threads()) if device == "cpu" else GpuBackend(device)
