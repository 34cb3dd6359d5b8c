"""The benchmark's side of an embedder's process: started once, then triggered for each run."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import Unavailable
from benchmarks.parts.surroundings import CHECKOUT
from benchmarks.parts.turn import Turn

_LINES = 3


@dataclass(frozen=True)
class Peer:
    """One embedding library, see `benchmarks.embedding`."""

    name: str
    module: str
    requirements: tuple[str, ...] = ()  #: Packages of a separate environment; empty: use this one.


class PeerProcess:
    """A running peer, created by `started`."""

    def __init__(self, popen: subprocess.Popen[str], log: Path) -> None:
        self._popen = popen
        self._log = log
        self.answer()

    def turn(self, chunks: Sequence[int]) -> Turn:
        """Embed as many pictures as the chunks contain. The peer forms its own batches."""
        pictures = sum(chunks)
        assert self._popen.stdin is not None  # noqa: S101 - it was opened with a pipe
        self._popen.stdin.write(f"{pictures}\n")
        self._popen.stdin.flush()
        told = self.answer()
        if told["vectors"] != pictures:
            raise RuntimeError(f"{told['vectors']} vectors of {pictures} pictures")
        seconds, spent = told["seconds"], told["cpu"]
        return Turn(pictures / seconds, 1000 * spent / pictures, spent / seconds)

    def answer(self) -> dict[str, Any]:
        """Read the next line of output. Raises `Unavailable` with the end of the log if the process has ended."""
        assert self._popen.stdout is not None  # noqa: S101 - it was opened with a pipe
        line = self._popen.stdout.readline()
        if not line:
            said = self._log.read_text(errors="replace").strip().splitlines()[-_LINES:]
            raise Unavailable(" / ".join(said)[-300:] or "it ended without a word")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def started(
    peer: Peer, python: Path, model: Path, pictures: Sequence[bytes], folder: Path
) -> Iterator[PeerProcess]:
    """Run a peer for the duration of the block, loaded and warm. Raises `Unavailable` if it cannot open the model."""
    file, log = folder / "pictures", folder / f"{peer.name}.log"
    file.write_bytes(pickle.dumps(list(pictures)))
    with log.open("wb") as output:
        popen = subprocess.Popen(
            [str(python), "-m", peer.module, str(model), str(file)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "HF_HUB_OFFLINE": "1"},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    try:
        yield PeerProcess(popen, log)
    finally:
        popen.kill()
        popen.communicate()


def this_python() -> Path:
    """Return the interpreter that runs the benchmark."""
    return Path(sys.executable)
