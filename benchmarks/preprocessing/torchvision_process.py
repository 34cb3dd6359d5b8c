"""transformers' torchvision-backed processor, in a process whose environment has torchvision.

The process reads one request per line from stdin, `{"side", "files", "save"}`, and prints one line, `{"cpu_ms"}`: the
CPU milliseconds per picture. With `save` it also writes their inputs to that file. From torchvision only the scaling is
used, which is torch's own. Its compiled operators do not load with a CPU-only torch, so they are declared but missing.
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
"""For `python_with(…, over_this=True)`: with its dependencies it would install a GPU build of torch, several gigabytes."""


_OPERATORS = ("nms", "qnms")
"""Operators for which torchvision 0.28 registers something whether they exist or not."""
_KEPT: list[Any] = []
"""Keeps the library alive, because its declarations disappear with it."""


class TorchvisionProcess:
    """The benchmark's side of the process, created by `started`."""

    def __init__(self, popen: subprocess.Popen[str], log: Path, folder: Path) -> None:
        self._popen = popen
        self._log = log
        self._folder = folder
        self._answer()

    def cpu_ms(self, side: int, files: Sequence[Path]) -> float:
        """Return CPU milliseconds per picture."""
        return float(self._ask(side, files, None)["cpu_ms"])

    def pixels(self, side: int, files: Sequence[Path]) -> list[Pixels]:
        """Return the inputs that the processor produces."""
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
    """Run the process with `python` for the block. Raises `Unavailable` if torchvision does not load there."""
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
    """Handle requests until stdin ends."""
    _declare_operators()
    # Imported only now: they import transformers, which imports torchvision if it is installed.
    from benchmarks.preprocessing.timing import cpu_ms
    from benchmarks.preprocessing.ways import transformers

    torch.set_num_threads(1)
    makers: dict[int, MakePixels] = {}
    transformers(32, backend="torchvision")  # fails here and not at the first request
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
        with suppress(RuntimeError):  # the compiled operators, if they load, declare themselves
            _KEPT[0].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


if __name__ == "__main__":
    main()
