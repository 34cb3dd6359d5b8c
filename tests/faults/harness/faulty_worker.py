"""A real worker with one fault built in: `python -m tests.faults.harness.faulty_worker worker …`, the fault named by FAULT_VARIABLE.

A decoder that aborts the process, a model that raises, gives NaN, fills the memory or hangs, and a death
between two of the steps that end a chunk cannot be had from outside; everything else about the process is
the command that users run.
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
"""A folder in which deaths are counted: they happen so often as there are files in it, each taken away by one."""
FAULT_INPUT = "fault"
FITS = 2
"""Pictures that the memory is enough for, in a batch with one that is marked for it: fewer than the batches that `Rig.start_worker` sets."""
SHORT_MEMORY = "memory-was-short"
"""A file beside the deaths' folder, which tells that memory was short."""
MODEL_FAULTS = ("raise", "nan", "memory", "hang")


def die() -> None:
    """As `kill -9` would."""
    os.kill(os.getpid(), signal.SIGKILL)


def take_one() -> bool:
    """Whether a death is left, which is then taken."""
    for file in sorted(Path(os.environ[ONCE_VARIABLE]).iterdir()):
        try:
            file.unlink()
        except FileNotFoundError:
            continue  # Another worker was faster.
        return True
    return False


class FaultyModel:
    """A model that does what a marked picture says; see `EmbeddingModel`."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Embed, unless a picture of the batch is marked."""
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
    """Marked pictures do what their mark says."""
    from workers import runtime
    from workers.models import factory as opening

    # In the decoder's thread, where a picture is first looked at.
    Stages._prepare = _faulty_prepare(Stages._prepare)  # type: ignore[method-assign]
    opened = opening.open_model
    # The engine has the name already: it is replaced there.
    setattr(runtime, "open_model", lambda *args, **named: FaultyModel(opened(*args, **named)))  # noqa: B010


def install_death_after_upsert() -> None:
    """The process dies after a chunk is in the store and before the ledger knows."""
    from workers.ingest.chunk_worker import ChunkWorker

    _then_die(ChunkWorker, "_store")


def install_death_before_acknowledge() -> None:
    """The process dies after the ledger knows and before the broker does."""
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
    """Build the fault in, then be the command."""
    FAULTS[os.environ[FAULT_VARIABLE]]()
    from vitrine.cli import main as command

    sys.argv[0] = "vitrine"
    command()


if __name__ == "__main__":
    main()
