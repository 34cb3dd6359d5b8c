"""A real worker with one built-in fault: `python -m tests.faults.harness.faulty_worker worker …`,
fault named by FAULT_VARIABLE.

Some faults cannot be caused from outside: a decoder that aborts the process, a model that raises, returns NaN, runs
out of memory or hangs, and a death between two of the steps that finish a chunk. In all other respects the process
is the command that users run.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.faults.harness.picture_host import MARK
from workers.fetch.result import FetchedPicture
from workers.image_decoder import ImageDecoder
from workers.models.base import EmbeddingModel, Inputs
from workers.stages import PreparedPicture, Stages
from workers.vector_cache.deduplicating import DeduplicatingCache

FAULT_VARIABLE = "FAULT"
ONCE_VARIABLE = "FAULT_FILES"
"""A folder that limits the deaths: each one removes a file, and there are none without files."""
FAULT_INPUT = "fault"
FITS = 2
"""Batch size up to which a picture marked "memory" does no harm: smaller than the batches that `Rig.start_worker` sets."""
SHORT_MEMORY = "memory-was-short"
"""A file next to the deaths' folder; it exists once memory was short."""
MODEL_FAULTS = ("raise", "nan", "memory", "hang")


def die() -> None:
    """Die as with `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def take_one() -> bool:
    """Consume one of the remaining deaths; return whether there was one."""
    for file in sorted(Path(os.environ[ONCE_VARIABLE]).iterdir()):
        try:
            file.unlink()
        except FileNotFoundError:
            continue  # Another worker was faster.
        return True
    return False


class FaultyModel:
    """A model that misbehaves on marked pictures; see `EmbeddingModel`."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Embed the batch, unless one of its pictures is marked."""
        faults = [bytes(one[FAULT_INPUT]).decode() if FAULT_INPUT in one else "" for one in batch]
        for fault in faults:
            _misbehave(fault, len(batch))
        clean = [{k: v for k, v in one.items() if k != FAULT_INPUT} for one in batch]
        vectors = self._model.embed(clean)
        vectors[[index for index, fault in enumerate(faults) if fault == "nan"]] = np.nan
        return vectors


def _misbehave(fault: str, size: int) -> None:
    if fault == "raise":
        raise ZeroDivisionError("a kernel that was given this picture")
    if fault == "memory" and size > FITS:
        Path(os.environ[ONCE_VARIABLE]).with_name(SHORT_MEMORY).touch()
        raise MemoryError("the device is full")
    if fault == "hang" and take_one():
        time.sleep(3600)


def _marked(fetched: FetchedPicture) -> str:
    _, mark, fault = fetched.data.rpartition(MARK)
    return fault.decode() if mark else ""


Prepare: TypeAlias = Callable[
    [Stages, FetchedPicture, ImageDecoder, DeduplicatingCache | None], PreparedPicture
]


def _faulty_prepare(prepare: Prepare) -> Callable[..., PreparedPicture]:
    def prepare_marked(
        stages: Stages,
        fetched: FetchedPicture,
        decoder: ImageDecoder,
        vector_cache: DeduplicatingCache | None,
    ) -> PreparedPicture:
        fault = _marked(fetched)
        if fault == "abort":
            os.abort()
        prepared = prepare(stages, fetched, decoder, vector_cache)
        if fault not in MODEL_FAULTS:
            return prepared
        tag = np.frombuffer(fault.encode(), np.uint8)
        return replace(prepared, inputs={**prepared.inputs, FAULT_INPUT: tag})

    return prepare_marked


def install_pictures() -> None:
    """Make marked pictures cause their fault."""
    from workers import runtime
    from workers.models import factory as opening

    # In the decoder's thread, where a picture is first examined.
    Stages._prepare = _faulty_prepare(Stages._prepare)  # type: ignore[method-assign]
    opened = opening.open_model
    # The engine has already imported the name, so replace it there.
    setattr(runtime, "open_model", lambda *args, **named: FaultyModel(opened(*args, **named)))  # noqa: B010


def install_death_after_upsert() -> None:
    """Make the process die after it stored a chunk and before it updates the ledger."""
    from workers.ingest.chunk_worker import ChunkWorker

    _then_die(ChunkWorker, "_store")


def install_death_before_acknowledge() -> None:
    """Make the process die after it updated the ledger and before it acknowledges the message."""
    from workers.ingest.chunk_worker import ChunkWorker

    _then_die(ChunkWorker, "ingest")


def _then_die(owner: type, method: str) -> None:
    original = getattr(owner, method)

    def and_die(*args: Any, **named: Any) -> Any:
        result = original(*args, **named)
        if take_one():
            die()
        return result

    setattr(owner, method, and_die)


FAULTS = {
    "pictures": install_pictures,
    "after-upsert": install_death_after_upsert,
    "before-acknowledge": install_death_before_acknowledge,
}


def main() -> None:
    """Install the fault, then run the command."""
    FAULTS[os.environ[FAULT_VARIABLE]]()
    from vitrine.cli import main as command

    sys.argv[0] = "vitrine"
    command()


if __name__ == "__main__":
    main()
