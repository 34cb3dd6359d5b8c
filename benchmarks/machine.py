"""The environment of a measurement: the machine, without its name, and the versions that affect speed."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "torch", "transformers", "numpy", "pillow", "simplejpeg", "pycurl", "celery", "kombu", "redis",
    "qdrant-client", "qdrant-edge-py", "orjson",
)  # fmt: skip


def machine() -> dict[str, str | int | float]:
    """Return usable cores, processor, memory in GiB, system, and GPUs if there are any."""
    found: dict[str, str | int | float] = {
        "cores": cores(),
        "cpu": _processor(),
        "memory_gib": round(_memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }
    gpus = _gpus()
    return found | {"gpu": gpus} if gpus else found


def cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages among `PACKAGES`."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.is_file():
        lines = (line.partition(":") for line in table.read_text().splitlines())
        names = [value.strip() for key, _, value in lines if key.strip() == "model name"]
        return names[0] if names else platform.machine()
    return _said_by("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gpus() -> str:
    shown = _said_by("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return "; ".join(shown.splitlines())


def _said_by(*command: str) -> str:
    """Return a command's output, or an empty string if it is missing or fails."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
