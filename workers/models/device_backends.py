"""Where a torch model's batches run: on the CPU at once, or on a GPU behind streams.

On a GPU the copy to it goes on a stream of its own, ahead of the batch that computes; the launch only queues work
(wait for the copy, run, copy the vectors back), and whoever wants the vectors waits for an event, without the GIL.
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
    """A batch in host memory: its inputs [rows, …], of which the first `count` are pictures or texts."""

    tensors: Tensors
    count: int
    run: Run
    release: Callable[[], None]  #: Called once nothing reads the tensors any more.


class DeviceBackend(Protocol):
    """One device."""

    pinned: bool  #: Whether it wants its batches in pinned memory.

    def enter(self) -> None:
        """Set up the calling thread as the one that owns the device."""

    def stage(self, load: HostBatch) -> StagedBatch:
        """Bring a batch to where it is computed."""


class CpuBackend:
    """The CPU: nothing to bring anywhere, and a launch returns when all is computed."""

    pinned = False

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def enter(self) -> None:
        """Take the threads of one operation: those of the thread that made it, whatever decoders' threads set since."""
        # A thread takes over the process's number when torch first looks: later that would undo what is set here.
        torch.get_num_threads()
        torch.set_num_threads(self._threads)

    def stage(self, load: HostBatch) -> StagedBatch:
        """Leave it where it is."""
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
        """Nothing to wait for."""

    def vectors(self) -> NDArray[np.float32]:
        return self.result


class GpuBackend:
    """One GPU of this process."""

    pinned = True

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._copying: torch.cuda.Stream = _cuda.Stream(self._device)

    def enter(self) -> None:
        """Make it the thread's device."""
        torch.cuda.set_device(self._device)

    def stage(self, load: HostBatch) -> StagedBatch:
        """Begin to copy it to the GPU."""
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
            # A blocking event sleeps; any other burns a core, which a decoder could use.
            done = _cuda.Event(blocking=True)
            done.record(stream)
        return _Flying(back, done, self.there, self.load.release)


@dataclass(frozen=True, slots=True)
class _Flying:
    back: torch.Tensor
    done: torch.cuda.Event
    there: Tensors
    """Kept until the device is done: let go of, their memory is the next copy's, on another stream than the reader's."""
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
    """The place of a device named as `resolve_device` does."""
    return CpuBackend(torch.get_num_threads()) if device == "cpu" else GpuBackend(device)
