"""What `--devices` names: one worker process for each entry of a list, or for every GPU there is."""

from __future__ import annotations

import re
from collections.abc import Callable

from vitrine.core.errors import BadInput

ALL = "all"
_HINT = "Give `all`, or a list such as cuda:0,cuda:2 or cpu,cpu."


def parse_devices(asked: str, count_gpus: Callable[[], int]) -> list[str]:
    """The devices by torch's names, one a process, in the order given; the same one may come twice.

    `all` is every GPU that `count_gpus` counts, and the CPU where it counts none. Raises `BadInput` for a
    word that names no device. Whether a device named by hand is there, its own worker finds out.
    """
    if asked.strip() == ALL:
        return [f"cuda:{number}" for number in range(count_gpus())] or ["cpu"]
    return [_device(entry.strip()) for entry in asked.split(",")]


def _device(entry: str) -> str:
    if entry == "cuda":
        return "cuda:0"
    if not re.fullmatch(r"cpu|cuda:\d{1,3}", entry):
        raise BadInput(f"--devices: there is no device {entry!r}.", hint=_HINT)
    return entry
