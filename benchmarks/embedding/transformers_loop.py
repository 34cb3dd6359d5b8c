"""The plain loop: open 64 pictures with Pillow, run the model's processor and the model, then the next 64."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.embedding.serve import BATCH, Embed, serve
from benchmarks.embedding.towers import image_tower, open_model, open_processor, opened


def open_embedder(folder: str) -> Embed:
    """Return the loop over one model."""
    tower = image_tower(open_model(folder))
    processor = open_processor(folder)

    def embed(jpegs: Sequence[bytes]) -> object:
        vectors: list[object] = []
        for start in range(0, len(jpegs), BATCH):
            images = [opened(jpeg) for jpeg in jpegs[start : start + BATCH]]
            with torch.inference_mode():
                vectors.extend(tower(processor(images=images, return_tensors="pt")).numpy())
        return vectors

    return embed


if __name__ == "__main__":
    serve(open_embedder)
