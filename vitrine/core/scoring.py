"""How a model with a text tower turns the cosine of a picture and a text into its own score.

    cosine -> scale * cosine + bias -> probability (SigLIP: of each pair; CLIP: among the texts given)

Read from a model's weights by a worker, announced with its presence, applied by whoever has the two vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

ScoringKind: TypeAlias = Literal["clip", "siglip"]
"""The training: `siglip` by a sigmoid of each pair (Zhai et al., 2023, arXiv:2303.15343), `clip` by a softmax over the
texts of a batch (Radford et al., 2021, arXiv:2103.00020)."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """A model's own scale and bias."""

    kind: ScoringKind
    scale: float  #: `exp(logit_scale)`, as it multiplies a cosine.
    bias: float  #: `logit_bias` of a SigLIP; 0 for a CLIP, which has none.

    def logits(self, cosines: NDArray[np.floating]) -> NDArray[np.float64]:
        """The model's logits for cosines of any shape: `logits_per_image` of transformers' own model."""
        return np.asarray(cosines, np.float64) * self.scale + self.bias

    def probabilities(self, cosines: NDArray[np.floating]) -> NDArray[np.float64]:
        """Of each picture (rows) and text (columns), cosines [n, m]; for SigLIP of any shape, each for itself.

        A CLIP says only which of the m texts fits better than the others: its rows sum to 1, and one text alone
        always has 1.
        """
        logits = self.logits(cosines)
        if self.kind == "siglip":
            # By way of tanh, which neither overflows nor warns far out: 1 / (1 + exp(-x)) would.
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))
        shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
