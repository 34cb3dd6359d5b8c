"""The protocols that a model implements.

`preprocess` runs in many decoder threads at a time and makes one picture's inputs; `embed` runs in the one
thread that owns the device, on a whole batch. Neither scales vectors to unit length: `workers.normalize` does
that for all models.
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
"""How pictures become inputs: with libjpeg-turbo and torch, or with Pillow and the family's own processor."""

Compile: TypeAlias = Literal["auto", "off", "on"]
"""Whether a model is compiled at warm-up. `auto`: on a GPU, if it is faster; `on`: wherever it works."""


class EmbeddingModel(Protocol):
    """One model on one device. Equal pictures get equal vectors in any batch (cosine >= 0.9999)."""

    name: str  #: Canonical name, see `vitrine.core.types.model_name`.
    revision: str  #: Hash of the weights and the preprocessing, or the descriptor's version.
    device: str  #: `cpu`, `cuda:0`, …
    dimension: int
    supports_text: bool

    def preprocess(self, picture: Picture) -> Inputs:
        """Make one upright RGB picture's inputs. Thread-safe; raises only for a picture that it cannot process."""

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Embed n pictures to float32 [n, dimension], not normalised. If it raises, the batcher halves the batch.

        It raises `MemoryError` if memory runs out, so that the batcher can distinguish that from a bad picture.
        """

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed n texts to float32 [n, dimension], not normalised; raises `BadInput` without a text tower."""


@runtime_checkable
class ScalesPictures(Protocol):
    """A model that knows its input size beforehand, so that JPEGs can be decoded at a smaller size."""

    def scaled_size(self, width: int, height: int) -> tuple[int, int] | None:
        """Return the width and height to which a picture of this size is scaled; None if that is not known."""


@runtime_checkable
class ScoresTexts(Protocol):
    """A model that has its own score for a picture and a text, in addition to their cosine."""

    scoring: Scoring | None  #: None if this checkpoint has none.
