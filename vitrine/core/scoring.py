"""Conversion of the cosine of a picture and a text into the native score of a model with a text tower.

    cosine -> scale * cosine + bias -> probability (SigLIP: of each pair; CLIP: among the texts given)

A worker reads these values from the model's weights and announces them with its presence; any process with both vectors
can apply them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

ScoringKind: TypeAlias = Literal["clip", "siglip"]
"""The training objective: `siglip` is a sigmoid per pair (Zhai et al., 2023, arXiv:2303.15343), `clip` a softmax over
the texts of a batch (Radford et al., 2021, arXiv:2103.00020)."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """A model's scale and bias."""

    kind: ScoringKind
    scale: float  #: `exp(logit_scale)`, the factor for a cosine.
    bias: float  #: `logit_bias` of SigLIP; 0 for CLIP, which has none.

    def logits(self, cosines: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the model's logits for cosines of any shape: `logits_per_image` of the transformers model."""
        return np.asarray(cosines, np.float64) * self.scale + self.bias

    def probabilities(self, cosines: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return probabilities for cosines [n, m] of pictures (rows) and texts (columns).

        SigLIP scores each pair independently, so its cosines can have any shape. CLIP only says which of the m texts
        fits better than the others: its rows sum to 1, and a single text always scores 1.
        """
        logits = self.logits(cosines)
        if self.kind == "siglip":
            # tanh neither overflows nor warns for large values; 1 / (1 + exp(-x)) would.
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
