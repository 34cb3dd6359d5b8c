"""Dynamic batching across chunks: pictures of all chunks in progress share the device's batches."""

from workers.batching.batcher import Batcher
from workers.batching.packer import Lane

__all__ = ["Batcher", "Lane"]
