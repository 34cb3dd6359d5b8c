"""The model and its device: can they be opened, and with `--load`, does a picture become a vector."""

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
"""What a worker stands on, and the API and the producer do without."""
_BUILTIN = "builtin"


def check_device(settings: Settings) -> Iterator[Finding]:
    """Whether the device is there; raises `BadInput` where it is not."""
    if not _missing():
        yield from _device(settings)


def check_model(settings: Settings, *, load: bool) -> Iterator[Finding]:
    """Whether a worker started here would come up; raises `BadInput` with what is missing of a directory."""
    if missing := _missing():
        yield _MODEL.note(
            f"No worker can run from this installation, without {', '.join(missing)}.",
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
            "There is an NVIDIA driver, and torch can use no GPU.",
            f"Update the driver: this torch was built for CUDA {cuda}.",
        )


def _files(settings: Settings) -> Iterator[Finding]:
    from workers.models.checkpoint import inspect_directory

    name = settings.model
    path = Path(name).expanduser()
    if name == _BUILTIN:
        yield _MODEL.note(
            "builtin: colour and pattern by formula, for trying out.",
            "Take a model for a shop: vitrine models lists some.",
        )
    elif path.is_dir() or name.startswith(("/", "./", "../", "~")):
        found = inspect_directory(path)
        size = sum(file.stat().st_size for file in found.weights) / 2**20
        yield _MODEL.good(f"{path} is complete: {found.family}, {size:,.0f} MiB of weights.")
    else:
        yield _MODEL.note(
            f"{name} is on the model hub, or in its cache.", "vitrine doctor --load tries it."
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
    """The length of a drawn picture's vector; raises `ModelUnavailable` where it cannot be used as one."""
    from api.canary import canary_picture
    from workers.images.pillow_decode import decode_by_pillow
    from workers.normalize import l2_normalise

    inputs = model.preprocess(decode_by_pillow(canary_picture(), max_pixels=max_pixels))
    units, usable = l2_normalise(model.embed([inputs]))
    if not usable.all():
        raise ModelUnavailable(
            f"The model {model.name} gives a picture no vector that can be used: it is zero or not finite.",
            hint="Its weights may be damaged, or of another number type than they should be.",
        )
    return int(units.shape[1])
