"""Which device a model runs on: `auto`, `cpu`, `cuda` or `cuda:N` becomes one that is there."""

from __future__ import annotations

import platform
import re

import torch
from torch import nn

from vitrine.core.errors import BadInput

_HINT = "Devices are auto, cpu, cuda and cuda:N."


def resolve_device(wanted: str) -> str:
    """Name the device as torch does: `cpu` or `cuda:N`; `auto` takes the first GPU where there is one.

    Raises `BadInput` for another word and for a GPU that this machine does not have.
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
    raise BadInput(f"Device cuda:{index} is asked for, and this machine has {seen}.", hint=_HINT)


def device_title(device: str) -> str:
    """What a device is, beyond its name: the GPU's, or the CPU's instructions and torch's threads for one operation."""
    if device != "cpu":
        return str(torch.cuda.get_device_name(device))
    instructions = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} {instructions} x {torch.get_num_threads()}"


def torch_build() -> tuple[str, str | None]:
    """The version of torch, and the version of CUDA that it was built for; None for a build without."""
    return torch.__version__, torch.version.cuda


def resolve_dtype(wanted: str | None, device: str) -> torch.dtype:
    """The number type of weights and activations; by default float32 on a CPU and bfloat16 on a GPU (but for models
    that lose too much in it, see `workers.models.device`).

    A CPU without AMX runs bfloat16 at a third of float32's speed, so it is never the default there.
    """
    if wanted is None:
        return torch.float32 if device == "cpu" else torch.bfloat16
    if wanted not in _DTYPES:
        raise BadInput(f"There is no dtype {wanted!r}.", hint=f"Dtypes are {', '.join(_DTYPES)}.")
    return _DTYPES[wanted]


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def needs_float32(model: nn.Module) -> bool:
    """Whether bfloat16 would move this model's vectors visibly."""
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def default_dtype(model: nn.Module, dtype: torch.dtype) -> torch.dtype:
    """The number type for a loaded model where nobody named one: `dtype`, or float32 where it needs that."""
    return torch.float32 if needs_float32(model) else dtype
