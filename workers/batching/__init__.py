"""Cross-chunk dynamic batching: pictures of every chunk in flight share the device's batches."""

from workers.batching.batcher import Batcher
from workers.batching.packer import Lane

__all__ = ["Batcher", "Lane"]
