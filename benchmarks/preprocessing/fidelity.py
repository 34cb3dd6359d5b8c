"""Fidelity of one method's inputs to another's: in levels of 255, and as the cosine of a model's vectors.

The model has SigLIP's architecture and random weights. Its vectors of any two pictures are similar, so the plain
cosine looks too good; the centred one is computed after subtracting the mean over all pictures of one size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from benchmarks.preprocessing.ways import LEVELS_A_UNIT, Pixels

_WIDTH, _LAYERS, _HEADS, _PATCH = 192, 6, 6, 16


@dataclass(frozen=True)
class Nearness:
    """The worst values over some pictures."""

    levels: float  #: Largest difference of a value, in levels of 255.
    distance: float  #: One minus the cosine.
    centred_distance: float


Embed = Callable[[Sequence[Pixels]], NDArray[np.float64]]


def embedder(side: int) -> Embed:
    """Return a model for inputs of this side, with the same weights each time."""
    torch.manual_seed(0)
    config: Any = transformers.SiglipVisionConfig(
        hidden_size=_WIDTH,
        intermediate_size=4 * _WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        image_size=side,
        patch_size=_PATCH,
    )
    model: Any = transformers.SiglipVisionModel(config)
    model.eval()

    @torch.inference_mode()
    def embed(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        batch = torch.from_numpy(np.stack(pictures))
        vectors: NDArray[np.float64] = model(pixel_values=batch).pooler_output.double().numpy()
        return vectors

    return embed


def nearness(found: Sequence[Pixels], wanted: Sequence[Pixels], embed: Embed) -> Nearness:
    """Compare picture by picture. Needs at least two: for one, the centred vectors would be zero."""
    apart = max(float(np.abs(one - other).max()) for one, other in zip(found, wanted, strict=True))
    ours, theirs = embed(found), embed(wanted)
    mean = theirs.mean(axis=0)
    return Nearness(
        apart * LEVELS_A_UNIT,
        _distance(ours, theirs),
        _distance(ours - mean, theirs - mean),
    )


def _distance(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return 1 - float(((ours * theirs).sum(axis=1) / lengths).min())
