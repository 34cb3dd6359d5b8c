"""The ledger: which pictures a job has, and the one outcome of each. The queue is only a hint."""

from vitrine.ledger.base import (
    ChunksLeft,
    FinishReport,
    Lease,
    Ledger,
    Minute,
    NewChunk,
    Putoff,
    Refusal,
)

__all__ = [
    "ChunksLeft",
    "FinishReport",
    "Lease",
    "Ledger",
    "Minute",
    "NewChunk",
    "Putoff",
    "Refusal",
]
