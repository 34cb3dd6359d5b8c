"""The built-in model: describes colour, pattern and shape by formula, without learning, download or torch.

    128 x 128 sRGB -> Oklab -> subject or background -> colour histograms, local spectrum, tones, edges -> 651 numbers

Each block consists of shares (of histograms or of energy), and their square roots are taken. The inner product of
two such blocks is the Bhattacharyya coefficient, in which a few large bins dominate less than in the plain product
("Hellinger kernel"; R. Arandjelovic and A. Zisserman, 2012). The blocks are weighted and concatenated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from vitrine.core.errors import BadInput
from workers.image import Picture, as_image
from workers.models.base import Inputs
from workers.models.builtin import colour, gradients, spectrum, tones
from workers.models.builtin.contrast import contrast_plane
from workers.models.builtin.foreground import foreground
from workers.models.builtin.oklab import oklab
from workers.models.builtin.smoothing import doubled, halved

SIDE = 128
"""Pixels per side to which pictures are stretched. Letterboxing would only add background, and it cost a point of
accuracy on real product pictures."""
REVISION = "descriptor-1"
"""Increase it with every change of a formula or a weight: vectors of two revisions are not comparable."""

WEIGHTS = {
    "colour": 0.8, "rows": 0.8, "orders": 1.4, "directions": 0.15, "tones": 1.8, "spreads": 0.2, "edges": 0.2,
}  # fmt: skip
"""Found by a coordinate search over real product pictures and generated fabrics, then rounded."""


class DescriptorModel:
    """The learning-free descriptor as an `EmbeddingModel`.

    Each picture is computed separately, with the same operations in the same order, so its vector is the same
    to the last bit in any batch. One picture's planes also stay in the processor's cache, which makes the loop
    faster than arrays over the whole batch.
    """

    name = "builtin"
    revision = REVISION
    device = "cpu"
    supports_text = False
    preferred_batch = 2
    """Each picture takes the same few milliseconds in any batch. A query waits for the batch before it, so the batch is
    small. Passing small batches on makes bulk loads 7% slower than batches of eight would."""
    dimension = (
        (1 + colour.ROWS) * colour.BINS
        + spectrum.RINGS * (spectrum.ORDERS + spectrum.DIRECTIONS)
        + tones.SCALES * (tones.BINS + tones.LEVELS)
        + gradients.BINS
    )

    def preprocess(self, picture: Picture) -> Inputs:
        """Scale an upright RGB picture to uint8 [SIDE, SIDE, 3] by area averaging; thread-safe."""
        small = as_image(picture).resize((SIDE, SIDE), Resampling.BOX)
        return {"pixel_values": np.asarray(small, np.uint8)}

    def scaled_size(self, width: int, height: int) -> tuple[int, int]:  # noqa: ARG002 - the result is fixed
        """Return the size to which every picture is stretched."""
        return SIDE, SIDE

    def embed(self, batch: Sequence[Inputs]) -> NDArray[np.float32]:
        """Describe n pictures: float32 [n, dimension], not normalised, finite and never zero."""
        vectors = np.empty((len(batch), self.dimension), np.float32)
        for row, inputs in enumerate(batch):
            vectors[row] = describe(np.asarray(inputs["pixel_values"], np.uint8))
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:  # noqa: ARG002 - the protocol names it
        """Raise `BadInput`: the descriptor cannot embed text."""
        raise BadInput(
            "The built-in model has no text tower, so it cannot search by words.",
            hint="Use a model that has one (SigLIP, SigLIP 2 or CLIP), or search by picture or by item.",
        )


def describe(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute the descriptor, float32 [dimension], of one picture, sRGB uint8 [SIDE, SIDE, 3]."""
    blocks = feature_blocks(pixels)
    return np.concatenate([np.sqrt(blocks[name]) * WEIGHTS[name] for name in WEIGHTS])


def feature_blocks(pixels: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Compute the blocks by name, each flat, non-negative and not yet weighted."""
    lab = oklab(pixels.reshape(-1, 3)).reshape(3, SIDE, SIDE)
    small = halved(lab)
    weight, mask = foreground(small)
    plane = contrast_plane(lab, small, weight * mask)
    fine_mask, fine_weight = doubled(mask), doubled(weight)
    whole, rows = colour.colour_histogram(small, weight)
    orders, directions = spectrum.pattern_spectrum(plane, fine_mask, fine_weight)
    histograms, spreads = tones.tones(plane, fine_mask, fine_weight)
    blocks: dict[str, NDArray[np.float32]] = {
        "colour": whole, "rows": rows, "orders": orders, "directions": directions,
        "tones": histograms / np.float32(tones.SCALES), "spreads": spreads / np.float32(tones.SCALES),
        "edges": gradients.gradient_grid(small[0]),
    }  # fmt: skip
    return {name: block.reshape(-1) for name, block in blocks.items()}
