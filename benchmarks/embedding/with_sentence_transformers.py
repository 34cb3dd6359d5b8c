"""sentence-transformers in a separate environment: pictures opened with Pillow, `encode` in batches of 64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sentence_transformers import SentenceTransformer

from benchmarks.embedding.serve import BATCH, Embed, serve
from benchmarks.embedding.towers import opened


def open_embedder(folder: str) -> Embed:
    """Open the directory's model."""
    model: Any = SentenceTransformer(folder, device="cpu")

    def embed(jpegs: Sequence[bytes]) -> object:
        images = [opened(jpeg) for jpeg in jpegs]
        return model.encode(images, batch_size=BATCH, show_progress_bar=False)

    return embed


if __name__ == "__main__":
    serve(open_embedder)
