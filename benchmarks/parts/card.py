"""Limits of the card itself: its rate of matrix products, and its JPEG decoder."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

_SIDE = 8192
"""Large enough to fill any current card. A CPU uses a small one, whose rate means nothing."""
_CPU_SIDE = 256
_REPEATS = 20
_BATCH = 32


def matrix_rate(device: str) -> float:
    """Return floating-point operations per second of a square bfloat16 product on noise, the median of 20."""
    side = _CPU_SIDE if device == "cpu" else _SIDE
    # Noise: on zeros a card draws less power, keeps a higher clock and appears faster than it is.
    left, right = (torch.randn(side, side, dtype=torch.bfloat16, device=device) for _ in range(2))
    left @ right
    seconds = statistics.median(_seconds(left, right, device) for _ in range(_REPEATS))
    return float(2 * side**3 / seconds)


def _seconds(left: torch.Tensor, right: torch.Tensor, device: str) -> float:
    settle(device)
    began = time.perf_counter()
    left @ right
    settle(device)
    return time.perf_counter() - began


def on_card_decoder(device: str) -> Callable[[Sequence[bytes]], float]:
    """Return a function that measures the card's decoder through torchvision, in JPEGs per second.

    Raises `ImportError` without torchvision and `RuntimeError` without a GPU.
    """
    if device == "cpu":
        raise RuntimeError("a CPU has no decoder of its own")
    io: Any = importlib.import_module("torchvision.io")

    def rate(jpegs: Sequence[bytes]) -> float:
        data = [torch.frombuffer(bytearray(jpeg), dtype=torch.uint8) for jpeg in jpegs]
        batches = [data[at : at + _BATCH] for at in range(0, len(data), _BATCH)]
        io.decode_jpeg(batches[0], device=device)
        settle(device)
        began = time.perf_counter()
        for batch in batches:
            io.decode_jpeg(batch, device=device)
        settle(device)
        return len(data) / (time.perf_counter() - began)

    return rate


def settle(device: str) -> None:
    """Wait until the device has finished all submitted work."""
    if device != "cpu":
        torch.cuda.synchronize(device)
