"""transformers' forward pass alone, repeated on one ready batch: the upper limit of any embedder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

import torch

from benchmarks.embedding.serve import BATCH, Embed, serve
from benchmarks.embedding.towers import image_tower, open_model, open_processor, opened


def open_embedder(folder: str) -> Embed:
    """Open the model. It runs on a batch made of the first pictures it receives."""
    tower = image_tower(open_model(folder))
    processor = open_processor(folder)
    ready: dict[str, torch.Tensor] = {}

    def embed(jpegs: Sequence[bytes]) -> object:
        if not ready:
            images = [opened(jpeg) for jpeg in islice(cycle(jpegs), BATCH)]
            ready.update(processor(images=images, return_tensors="pt"))
        vectors: list[object] = []
        with torch.inference_mode():
            for start in range(0, len(jpegs), BATCH):
                size = min(BATCH, len(jpegs) - start)
                vectors.extend(tower({name: one[:size] for name, one in ready.items()}).numpy())
        return vectors

    return embed


if __name__ == "__main__":
    serve(open_embedder)
