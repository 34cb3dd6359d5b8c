"""The first batches, before anything is consumed: what a model loads, compiles or allocates, it does now."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vitrine.errors import ModelUnavailable
from workers.normalise import l2_normalise
from workers.stages import Stages

_SIDE = 64
_SEED = 20


def warm_up(stages: Stages) -> None:
    """Embed one picture and a small batch of noise; raises `ModelUnavailable` where no unit vector comes out."""
    noise = np.random.default_rng(_SEED).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    inputs = stages.model.preprocess(Image.fromarray(noise))
    for size in (1, 4):
        vectors = stages.model.embed([inputs] * size)
        _, usable = l2_normalise(vectors)
        if vectors.shape != (size, stages.model.dimension) or not usable.all():
            raise ModelUnavailable(
                f"The model {stages.model.name} gives no usable vectors on {stages.model.device}.",
                hint="Check its weights and its dtype.",
            )
