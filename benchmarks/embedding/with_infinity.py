"""infinity in a separate environment: its asynchronous engine in process, given the bytes of all pictures together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from infinity_emb import AsyncEmbeddingEngine, EngineArgs

from benchmarks.embedding.serve import BATCH, Embed, serve


def open_embedder(folder: str) -> Embed:
    """Start its engine for the directory."""
    arguments = EngineArgs(
        model_name_or_path=folder,
        engine="torch",
        device="cpu",
        dtype="float32",
        batch_size=BATCH,
        model_warmup=False,
        bettertransformer=False,
        compile=False,
    )
    engine: Any = AsyncEmbeddingEngine.from_args(arguments)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(engine.astart())

    def embed(jpegs: Sequence[bytes]) -> object:
        vectors, _ = loop.run_until_complete(engine.image_embed(images=list(jpegs)))
        return vectors

    return embed


if __name__ == "__main__":
    serve(open_embedder)
