"""Parsing of `--devices`: one worker process per entry of a list, or per available GPU."""

from __future__ import annotations

import re
from collections.abc import Callable

from vitrine.core.errors import BadInput

ALL = "all"
_HINT = "Give `all`, or a list such as cuda:0,cuda:2 or cpu,cpu."


def parse_devices(asked: str, count_gpus: Callable[[], int]) -> list[str]:
    """Return the devices by torch's names, one per process, in the given order. Repeats are allowed.

    `all` means every GPU that `count_gpus` finds, or the CPU if it finds none. Raises `BadInput` for a word that
    does not name a device. A listed device is not checked for existence; its worker does that.
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
