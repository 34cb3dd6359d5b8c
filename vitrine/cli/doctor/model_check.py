"""Checks of the model and its device: whether they can be used and, with `--load`, whether a picture becomes a vector."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vitrine.core.errors import ModelUnavailable
from vitrine.core.settings import Settings
from vitrine.doctor.finding import Finding, FindingFactory

if TYPE_CHECKING:
    from workers.models.base import EmbeddingModel

_MODEL, _DEVICE = FindingFactory("model"), FindingFactory("device")
_PACKAGES = ("torch", "transformers", "PIL", "pycurl", "simplejpeg")
"""Packages that a worker needs and the API and the producer do not."""
_BUILTIN = "builtin"


def check_device(settings: Settings) -> Iterator[Finding]:
    """Check that the device exists; raises `BadInput` if it does not."""
    if not _missing():
        yield from _device(settings)


def check_model(settings: Settings, *, load: bool) -> Iterator[Finding]:
    """Check that a worker could start here; raises `BadInput` naming what a model directory lacks."""
    if missing := _missing():
        yield _MODEL.note(
            f"No worker can run from this installation; it lacks {', '.join(missing)}.",
            "Install vitrine[worker], unless workers run elsewhere.",
        )
        return
    yield from _files(settings)
    if load:
        yield from _loaded(settings)
    else:
        yield _MODEL.note(
            "Model not loaded.", "Run `vitrine doctor --load` to load it and embed a test picture."
        )


def _missing() -> list[str]:
    return [name for name in _PACKAGES if importlib.util.find_spec(name) is None]


def _device(settings: Settings) -> Iterator[Finding]:
    from workers.models.device import device_title, resolve_device, torch_build

    device = resolve_device(settings.device)
    version, cuda = torch_build()
    yield _DEVICE.good(f"{settings.device} is {device}: {device_title(device)}, torch {version}.")
    if device == "cpu" and cuda and Path("/proc/driver/nvidia").exists():
        yield _DEVICE.warning(
            "An NVIDIA driver is installed, but torch cannot use a GPU.",
            f"Update the driver: this torch was built for CUDA {cuda}.",
        )


def _files(settings: Settings) -> Iterator[Finding]:
    from workers.models.checkpoint import inspect_directory

    name = settings.model
    path = Path(name).expanduser()
    if name == _BUILTIN:
        yield _MODEL.note(
            "builtin computes colour and pattern by formula; it is for trials only.",
            "Use a model from `vitrine models` for a shop.",
        )
    elif path.is_dir() or name.startswith(("/", "./", "../", "~")):
        found = inspect_directory(path)
        size = sum(file.stat().st_size for file in found.weights) / 2**20
        yield _MODEL.good(f"{path} is complete: {found.family}, {size:,.0f} MiB of weights.")
    else:
        yield _MODEL.note(
            f"{name} is on the model hub, or in its cache.", "Test it with `vitrine doctor --load`."
        )


def _loaded(settings: Settings) -> Iterator[Finding]:
    from workers.models.factory import open_model

    start = time.perf_counter()
    model = open_model(settings.model, device=settings.device, preprocess=settings.preprocess)
    took = time.perf_counter() - start
    start = time.perf_counter()
    length = _embedded(model, settings.max_pixels)
    yield _MODEL.good(
        f"{model.name} {model.revision} was loaded in {took:.1f} s and embedded a picture in "
        f"{1000 * (time.perf_counter() - start):.0f} ms to {length:,} numbers."
    )


def _embedded(model: EmbeddingModel, max_pixels: int) -> int:
    """Embed a generated picture and return its vector's length; raises `ModelUnavailable` if the vector is unusable."""
    from api.canary import canary_picture
    from workers.images.pillow_decode import decode_by_pillow
    from workers.normalize import l2_normalise

    inputs = model.preprocess(decode_by_pillow(canary_picture(), max_pixels=max_pixels))
    units, usable = l2_normalise(model.embed([inputs]))
    if not usable.all():
        raise ModelUnavailable(
            f"Model {model.name} returned an unusable vector for a test picture: zero or not finite.",
            hint="Its weights may be damaged or have the wrong number type.",
        )
    return int(units.shape[1])
