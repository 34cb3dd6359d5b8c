"""A simulated model that sleeps instead of computing: runs the whole pipeline without a GPU, at the speed of one.

    timed-64-in-100ms            64 pictures in 100 ms, other batches in proportion
    timed-64-in-100ms-base-30ms  of which 30 ms are fixed per batch: 30 + 70 n / 64
    timed-64-in-100ms-at-384     for pictures of 384 x 384 pixels (default: 224)

The names are canonical (see `vitrine.core.types.model_name`). Pictures are preprocessed as for a real model, and the
device's thread sleeps, which releases the GIL like waiting for a GPU. A vector holds 16 x 16 points sampled from its
picture in three colours. Equal pixels give equal vectors, so results can be checked.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from vitrine.core.errors import BadInput
from workers.image import Picture
from workers.models.base import Inputs
from workers.models.preprocess.preprocessing import Preprocessing

_NAME = re.compile(
    r"timed-(?P<pictures>\d{1,4})-in-(?P<total>\d{1,5})ms(?:-base-(?P<base>\d{1,5})ms)?(?:-at-(?P<side>\d{2,4}))?"
)
_GRID = 16
_SIDE = 224
_SIDES = range(_GRID, 1025)
_KEPT = 10_000
"""Batches whose lateness is kept: a quarter of an hour of the fastest ones."""


class SimulatedModel:
    """A sleeping `EmbeddingModel`; see there for the contract."""

    device = "cpu"
    dimension = 3 * _GRID * _GRID
    supports_text = False

    def __init__(self, name: str) -> None:
        """Parse the name; raises `BadInput` if it is invalid."""
        self.name = name
        pictures, total, base, self.side = _parsed(name)
        self.preferred_batch = pictures  #: The batch size in its name.
        self.base_seconds = base / 1000  #: Per batch.
        self.picture_seconds = (total - base) / 1000 / pictures  #: Per picture.
        self.revision = f"timed-1-{self.side}"
        self.late_ms: deque[float] = deque(maxlen=_KEPT)
        """How late each batch returned: the time until the system had woken the thread and it had the GIL again."""
        size = {"height": self.side, "width": self.side}
        self._preprocessing = Preprocessing(SiglipImageProcessorPil(size=size))

    def preprocess(self, picture: Picture) -> Inputs:
        """Scale to the model's size with SigLIP's preprocessing; thread-safe."""
        return self._preprocessing(picture)

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """Return the size to which a picture is scaled, see `ScalesPictures`."""
        return self._preprocessing.scaled_size(width, height)

    def seconds(self, pictures: int) -> float:
        """Return the seconds that a batch of this many pictures takes."""
        return self.base_seconds + pictures * self.picture_seconds

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Sleep for the time of n pictures and return float32 [n, 768]."""
        until = time.perf_counter() + self.seconds(len(batch))
        vectors = np.stack([_sampled(one["pixel_values"]) for one in batch])
        time.sleep(max(0.0, until - time.perf_counter()))
        self.late_ms.append(1000 * (time.perf_counter() - until))
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:  # noqa: ARG002 - the protocol names it
        """Raise `BadInput`: this model cannot embed text."""
        raise BadInput(
            f"The model {self.name} has no text tower.", hint="Search by picture or by item instead."
        )  # fmt: skip


def _parsed(name: str) -> tuple[int, int, int, int]:
    """Parse a name into pictures, total milliseconds, fixed milliseconds per batch, and pixels per side."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadInput(
            f"The timed model {name!r} cannot be read.",
            hint="Examples: timed-64-in-100ms, timed-64-in-100ms-base-30ms, timed-64-in-100ms-at-384.",
        )
    pictures, total = int(found["pictures"]), int(found["total"])
    base, side = int(found["base"] or 0), int(found["side"] or _SIDE)
    if not pictures or base > total or side not in _SIDES:
        raise BadInput(
            f"The timed model {name!r} is impossible.",
            hint=f"At least one picture, a base within the whole, and {_SIDES[0]} to {_SIDES[-1]} pixels.",
        )
    return pictures, total, base, side


def _sampled(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Sample [3, side, side], uint8 or normalised float32, to float32 [768]; never zero for uint8 pixels.

    Both ways normalise with mean and deviation 0.5, so both give (nearly) the same vector.
    """
    step = pixels.shape[1] // _GRID
    points = pixels[:, ::step, ::step][:, :_GRID, :_GRID].astype(np.float32).reshape(-1)
    return points / np.float32(127.5) - np.float32(1) if pixels.dtype == np.uint8 else points
