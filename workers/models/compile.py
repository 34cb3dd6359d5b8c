"""Whether a tower runs compiled: tried at warm-up, kept where it gives the same vectors sooner.

On a GPU each size is compiled (torch.compile) and captured as a CUDA graph, so that a launch is one call instead
of a thousand; on a CPU it is compiled only. Nothing here may fail a worker: whatever goes wrong, it runs as it is.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from workers.models.base import Compile
from workers.models.preprocess.normalisation import Tensors
from workers.models.runners import BatchRunner, EagerRunner, FixedSizeRunner, Run, fixed_sizes

log = logging.getLogger(__name__)

Backend: TypeAlias = Callable[[Run], Run]
"""Makes compiled code of a run; `torch_compiled` but for tests."""
WORTH = 1.02
"""How many times as fast compiled code must be; below it is noise and a risk."""
SAME_VECTOR = 0.999
"""Cosine from which compiled vectors count as equal: bfloat16 rounds at other places in fused code."""
_REPEATS = 5
_READ_ON_HOST = "spatial_shapes"
"""An input whose numbers transformers reads on the CPU, picture by picture (SigLIP 2's position embeddings). No graph can
hold that, compiled code would be compiled anew for each shape, and a capture that breaks off leaves torch's allocator
as if it went on."""
_cuda: Any = torch.cuda  # the constructor of its streams is not annotated


def torch_compiled(run: Run) -> Run:
    """One compilation for each size that it is called with."""
    compiled: Run = torch.compile(run, dynamic=False)
    return compiled


def choose_runner(
    eager: Run,
    sample: Callable[[int], Tensors],
    size: int,
    *,
    mode: Compile,
    device: str,
    backend: Backend = torch_compiled,
) -> BatchRunner:
    """The faster way to run batches of up to `size`; `sample` makes inputs of so many rows on the device.

    For the thread that owns the device. May take minutes where it compiles.
    """
    if mode == "off" or (mode == "auto" and device == "cpu"):
        return EagerRunner(eager)
    try:
        with torch.inference_mode():
            if device != "cpu" and _READ_ON_HOST in sample(1):
                log.info("runs eagerly: this model reads the shapes of its pictures on the CPU")
                return EagerRunner(eager)
            return _tried(eager, sample, size, mode=mode, device=device, backend=backend)
    except Exception as error:  # noqa: BLE001 - compilers raise whatever they like, and eager always works
        reason = (str(error).strip().splitlines() or [""])[0]
        log.warning("not compiled, runs eagerly: %s: %.200s", type(error).__name__, reason)
        return EagerRunner(eager)


def _tried(
    eager: Run,
    sample: Callable[[int], Tensors],
    size: int,
    *,
    mode: Compile,
    device: str,
    backend: Backend,
) -> BatchRunner:
    compiled = backend(eager)
    sizes = fixed_sizes(size)
    log.info("compiling for batches of %s, which can take minutes", ", ".join(map(str, sizes)))
    prepared = {rows: _prepared(compiled, sample(rows), device) for rows in reversed(sizes)}
    inputs = sample(size)
    slower, faster = (_seconds(run, inputs, device) for run in (eager, prepared[size]))
    alike = min(_likeness(eager, run, sample(rows)) for rows, run in prepared.items())
    gain = slower / faster
    if alike < SAME_VECTOR or (mode == "auto" and gain < WORTH):
        log.info("runs eagerly: compiled is %.2f times as fast, cosine %.5f", gain, alike)
        return EagerRunner(eager)
    log.info("runs compiled: %.2f times as fast in batches of %d", gain, size)
    return FixedSizeRunner(prepared, eager, inputs)


def _prepared(compiled: Run, inputs: Tensors, device: str) -> Run:
    compiled(inputs)
    return compiled if device == "cpu" else captured(compiled, inputs)


def captured(run: Run, example: Tensors) -> Run:
    """A run of one size as a CUDA graph, fed through fixed inputs and read from fixed vectors.

    The vectors are overwritten by the next replay: copy them on the same stream.
    """
    fixed = {name: tensor.clone() for name, tensor in example.items()}
    aside = _cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):  # What a first run allocates and chooses must not be captured.
            run(fixed)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    # Other threads pin memory and copy meanwhile; only this thread's calls may spoil the capture.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        vectors = run(fixed)

    def replay(tensors: Tensors) -> torch.Tensor:
        for name, tensor in tensors.items():
            fixed[name].copy_(tensor)
        graph.replay()
        return vectors

    return replay


def _seconds(run: Run, inputs: Tensors, device: str) -> float:
    return statistics.median(_timed(run, inputs, device) for _ in range(_REPEATS))


def _timed(run: Run, inputs: Tensors, device: str) -> float:
    began = time.perf_counter()
    run(inputs)
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _likeness(left: Run, right: Run, inputs: Tensors) -> float:
    # Cloned: a replay's vectors are the graph's own.
    one, other = left(inputs).clone().double(), right(inputs).clone().double()
    return float(torch.cosine_similarity(one, other).min())
