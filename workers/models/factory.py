"""Opens a model by name: built in (the descriptor, or a simulated one), a directory in transformers' format, or a hub name."""

from __future__ import annotations

import os
from pathlib import Path

from vitrine.core.errors import BadInput
from workers.models.base import Compile, EmbeddingModel, Way
from workers.models.threads import run_in_own_thread

BUILTIN = "builtin"
SIMULATED_PREFIX = "timed-"
"""`timed-64-in-100ms` and the like, see `workers.models.simulated`."""
_PATH_STARTS = ("/", "./", "../", "~")


def open_model(
    name: str,
    *,
    device: str,
    dtype: str | None = None,
    preprocess: Way = "fast",
    compiling: Compile = "auto",
) -> EmbeddingModel:
    """Open a model on a device, ready to embed.

    `device` is `auto`, `cpu`, `cuda` or `cuda:N`. `dtype` is `float32`, `bfloat16` or `float16`, by default float32 on
    a CPU and bfloat16 on a GPU (convolutional models: float32 there too). `preprocess` is the way of preprocessing
    (the built-in model has only one). `compiling` says whether warm-up compiles the model. Raises `BadInput` for a
    name, directory or device that cannot be used, and `ModelUnavailable` if the hub cannot be reached; both carry a
    message for users.
    """
    if name == BUILTIN:
        return _builtin(device)
    if name.startswith(SIMULATED_PREFIX):
        return _timed(name, device)
    # torch and transformers take seconds to import, and the built-in model needs neither.
    from workers.models.transformers_model import TransformersModel  # noqa: PLC0415

    # Torch keeps a thread pool for every thread that has computed, and more pool threads than cores slow the device's
    # thread down (`workers.batching.staging`). When a thread ends, its pool ends too.
    return run_in_own_thread(
        lambda: TransformersModel(
            _directory(name),
            given=name,
            device=device,
            dtype=dtype,
            preprocess=preprocess,
            compiling=compiling,
        )
    )


def _builtin(device: str) -> EmbeddingModel:
    _refuse_gpu("The built-in model", device)
    from workers.models.builtin.model import DescriptorModel  # noqa: PLC0415

    return DescriptorModel()


def _timed(name: str, device: str) -> EmbeddingModel:
    _refuse_gpu(f"The model {name}", device)
    from workers.models.simulated import SimulatedModel  # noqa: PLC0415

    return SimulatedModel(name)


def _refuse_gpu(who: str, device: str) -> None:
    if device not in {"auto", "cpu"}:
        raise BadInput(
            f"{who} runs only on the CPU, but device {device!r} was requested.",
            hint="Use device auto or cpu, or another model.",
        )


def _directory(name: str) -> Path:
    """Return the directory of the model's files, by the same rule as `vitrine.core.types.model_name`."""
    expanded = os.path.expanduser(name)
    if name.startswith(_PATH_STARTS) or os.path.isdir(expanded):
        return Path(expanded).resolve()
    from workers.models.hub import download  # noqa: PLC0415
    from workers.models.silence_logging import silence_libraries  # noqa: PLC0415

    silence_libraries()
    return download(name)
