"""What a model promises, as a protocol, and how one is opened by name.

`preprocess` runs in many decode threads at once and makes one picture's inputs; `embed` runs in the
one thread that owns the device, on a whole batch. Neither normalises: that is done once, for all models,
in `workers.normalise`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from workers.picture import Picture

Inputs: TypeAlias = Mapping[str, NDArray[np.generic]]
"""One picture's inputs by name, without the batch axis (usually `pixel_values`, float32 [3, height, width])."""


class EmbeddingModel(Protocol):
    """One model on one device. Equal pictures give equal vectors whatever batch they are in (cosine >= 0.9999)."""

    name: str  #: Canonical name, see `vitrine.contracts.model_name`.
    revision: str  #: Hash of the weights and the preprocessing, or the descriptor's version.
    device: str  #: `cpu`, `cuda:0`, …
    dimension: int
    supports_text: bool

    def preprocess(self, picture: Picture) -> Inputs:
        """Make one upright RGB picture's inputs; thread-safe; raises only on a picture it cannot take."""

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Embed n pictures to float32 [n, dimension], not normalised. May raise; the batcher halves then.

        An out-of-memory is raised as `MemoryError`, so that the batcher can tell it from a bad picture.
        """

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed n texts to float32 [n, dimension], not normalised; raises `BadInput` without a text tower."""
