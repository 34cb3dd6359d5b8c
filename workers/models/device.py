"""Resolves the device of a model: `auto`, `cpu`, `cuda` or `cuda:N` becomes a device of this machine."""

from __future__ import annotations

import platform
import re

import torch
from torch import nn

from vitrine.core.errors import BadInput

_HINT = "Devices are auto, cpu, cuda and cuda:N."


def resolve_device(wanted: str) -> str:
    """Return torch's name of the device, `cpu` or `cuda:N`; `auto` takes the first GPU if there is one.

    Raises `BadInput` for any other name and for a GPU that this machine does not have.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return "cpu"
    match = re.fullmatch(r"(?:auto|cuda(?::(\d+))?)", wanted)
    if match is None:
        raise BadInput(f"There is no device {wanted!r}.", hint=_HINT)
    return _gpu(int(match[1] or 0))


def _gpu(index: int) -> str:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index < count:
        return f"cuda:{index}"
    seen = f"{count} GPU{'s' if count != 1 else ''}" if count else "no GPU that torch can use"
    raise BadInput(f"Device cuda:{index} was requested, but this machine has {seen}.", hint=_HINT)


def device_title(device: str) -> str:
    """Describe a device: the GPU's product name, or the CPU's instruction set and torch's threads per operation."""
    if device != "cpu":
        return str(torch.cuda.get_device_name(device))
    instructions = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} {instructions} x {torch.get_num_threads()}"


def torch_build() -> tuple[str, str | None]:
    """Return the version of torch and the CUDA version that it was built for; None for a build without CUDA."""
    return torch.__version__, torch.version.cuda


def resolve_dtype(wanted: str | None, device: str) -> torch.dtype:
    """Return the dtype of weights and activations; by default float32 on a CPU and bfloat16 on a GPU (except for
    models that lose too much precision, see `default_dtype`).

    A CPU without AMX runs bfloat16 at a third of float32's speed, so it is never the default on a CPU.
    """
    if wanted is None:
        return torch.float32 if device == "cpu" else torch.bfloat16
    if wanted not in _DTYPES:
        raise BadInput(f"There is no dtype {wanted!r}.", hint=f"Dtypes are {', '.join(_DTYPES)}.")
    return _DTYPES[wanted]


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def needs_float32(model: nn.Module) -> bool:
    """Return whether bfloat16 would change this model's vectors noticeably."""
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def default_dtype(model: nn.Module, dtype: torch.dtype) -> torch.dtype:
    """Return the default dtype for a loaded model: `dtype`, or float32 if the model needs it."""
    return torch.float32 if needs_float32(model) else dtype
