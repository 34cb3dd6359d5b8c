"""What a model promises, as a protocol, and how one is opened by name.

`preprocess` runs in many decode threads at once and makes one picture's inputs; `embed` runs in the
one thread that owns the device, on a whole batch. Neither normalises: that is done once, for all models,
in `workers.normalize`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vitrine.core.scoring import Scoring
    from workers.image import Picture

Inputs: TypeAlias = Mapping[str, NDArray[np.generic]]
"""One picture's inputs by name, without the batch axis (usually `pixel_values`, [3, height, width], uint8 or
normalised float32)."""
Way: TypeAlias = Literal["fast", "reference"]
"""How pictures become inputs: by libjpeg-turbo and torch, or by Pillow and the family's own processor."""

Compile: TypeAlias = Literal["auto", "off", "on"]
"""Whether a model is compiled at warm-up. `auto`: on a GPU, where it pays; `on`: wherever it works."""


class EmbeddingModel(Protocol):
    """One model on one device. Equal pictures give equal vectors whatever batch they are in (cosine >= 0.9999)."""

    name: str  #: Canonical name, see `vitrine.core.types.model_name`.
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


@runtime_checkable
class ScalesPictures(Protocol):
    """A model that says beforehand how large it wants a picture, so that a JPEG can be decoded smaller."""

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """The width and height to which a picture of this size is scaled; None where that cannot be said."""


@runtime_checkable
class ScoresTexts(Protocol):
    """A model that has a score of its own for a picture and a text, beyond their cosine."""

    scoring: Scoring | None  #: None where this checkpoint has none.
