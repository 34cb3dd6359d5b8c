"""Compiles a model at warm-up, and uses the compiled code if it returns the same vectors faster.

On a GPU each batch size is compiled (torch.compile) and captured as a CUDA graph, so that a launch is one call instead
of a thousand; on a CPU it is only compiled. No error here may stop a worker: it then runs the model uncompiled.
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
"""Compiles a run; `torch_compiled` except in tests."""
WORTH = 1.02
"""The speed-up that compiled code must reach; less is within the noise and not worth the risk."""
SAME_VECTOR = 0.999
"""Minimum cosine at which compiled vectors count as equal: bfloat16 rounds in other places in fused code."""
_REPEATS = 5
_READ_ON_HOST = "spatial_shapes"
"""An input whose values transformers reads on the CPU, picture by picture (SigLIP 2's position embeddings). A graph cannot
contain that, the code would be compiled again for each shape, and an aborted capture leaves torch's allocator in capture
mode."""
_cuda: Any = torch.cuda  # the constructor of its streams is not annotated


def torch_compiled(run: Run) -> Run:
    """Compile a run; torch compiles it once for each batch size."""
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
    """Choose the faster way to run batches of up to `size`; `sample` makes inputs with a given number of rows on the device.

    Call it in the thread that owns the device. It can take minutes if it compiles.
    """
    if mode == "off" or (mode == "auto" and device == "cpu"):
        return EagerRunner(eager)
    try:
        with torch.inference_mode():
            if device != "cpu" and _READ_ON_HOST in sample(1):
                log.info("runs eagerly: this model reads the shapes of its pictures on the CPU")
                return EagerRunner(eager)
            return _tried(eager, sample, size, mode=mode, device=device, backend=backend)
    except Exception as error:  # noqa: BLE001 - compilers raise all kinds of errors, and eager always works
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
    """Capture a run of one size as a CUDA graph with fixed input and output buffers.

    The next replay overwrites the vectors: copy them on the same stream.
    """
    fixed = {name: tensor.clone() for name, tensor in example.items()}
    aside = _cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):  # The allocations and choices of the first runs must not be captured.
            run(fixed)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    # Other threads pin memory and copy meanwhile; with thread_local, only this thread's calls can invalidate the capture.
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
    # Clone them: a replay returns the graph's own buffer.
    one, other = left(inputs).clone().double(), right(inputs).clone().double()
    return float(torch.cosine_similarity(one, other).min())
