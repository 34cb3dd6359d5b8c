"""transformers' torchvision-backed processor, in a process whose environment has torchvision.

The process takes one request a line on stdin, `{"side", "files", "save"}`, and answers one line, `{"cpu_ms"}`: what
its pictures took each. With `save` it writes their inputs there too. From torchvision only the scaling is used, which is
torch's own; its compiled operators do not load beside a torch for the CPU alone, so that they are declared and left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.environments import Unavailable

if TYPE_CHECKING:
    from benchmarks.preprocessing.ways import MakePixels, Pixels

CHECKOUT = Path(__file__).resolve().parents[2]

REQUIREMENTS = ("--no-deps", "torchvision==0.28.0")
"""For `python_with(…, over_this=True)`: with its dependencies it would bring a torch for GPUs of several gigabytes."""


_OPERATORS = ("nms", "qnms")
"""Those for which torchvision 0.28 registers something whether they are there or not."""
_KEPT: list[Any] = []
"""What is declared goes with whoever declared it."""


class TorchvisionProcess:
    """The process, from the side of whoever measures; made by `started`."""

    def __init__(self, popen: subprocess.Popen[str], log: Path, folder: Path) -> None:
        self._popen = popen
        self._log = log
        self._folder = folder
        self._answer()

    def cpu_ms(self, side: int, files: Sequence[Path]) -> float:
        """CPU milliseconds a picture."""
        return float(self._ask(side, files, None)["cpu_ms"])

    def pixels(self, side: int, files: Sequence[Path]) -> list[Pixels]:
        """The inputs that it makes."""
        target = self._folder / "torchvision.npy"
        self._ask(side, files, target)
        return list(np.load(target))

    def _ask(self, side: int, files: Sequence[Path], save: Path | None) -> dict[str, Any]:
        request = {
            "side": side,
            "files": [str(file) for file in files],
            "save": str(save) if save else None,
        }
        stream: IO[str] | None = self._popen.stdin
        assert stream is not None  # noqa: S101 - it was opened with a pipe
        print(json.dumps(request), file=stream, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._popen.stdout is not None  # noqa: S101 - it was opened with a pipe
        line = self._popen.stdout.readline()
        if not line:
            said = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            raise Unavailable((said or ["it ended without a word"])[0][:300])
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def started(python: Path, folder: Path) -> Iterator[TorchvisionProcess]:
    """Run it by `python` while inside; raises `Unavailable` where torchvision does not load there."""
    log = folder / "torchvision.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [str(python), "-m", "benchmarks.preprocessing.torchvision_process"],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    try:
        yield TorchvisionProcess(popen, log, folder)
    finally:
        popen.kill()
        popen.communicate()


def main() -> None:
    """Answer until stdin ends."""
    _declare_operators()
    # Only now: they bring transformers, and that torchvision where it finds one.
    from benchmarks.preprocessing.timing import cpu_ms
    from benchmarks.preprocessing.ways import transformers

    torch.set_num_threads(1)
    makers: dict[int, MakePixels] = {}
    transformers(32, backend="torchvision")  # fails here rather than at the first request
    print("{}", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        side = int(request["side"])
        make = makers.setdefault(side, transformers(side, backend="torchvision"))
        files = [Path(file).read_bytes() for file in request["files"]]
        took = cpu_ms(make, files)
        if request["save"]:
            np.save(request["save"], np.stack([make(data) for data in files]))
        print(json.dumps({"cpu_ms": took}), flush=True)


def _declare_operators() -> None:
    library: Any = torch.library  # its methods are not annotated
    _KEPT.append(library.Library("torchvision", "FRAGMENT"))
    for name in _OPERATORS:
        with suppress(RuntimeError):  # where the compiled ones load, they are declared by them
            _KEPT[0].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


if __name__ == "__main__":
    main()
