"""The ledger: a job's pictures and the one outcome of each. The queue is only a hint."""

from vitrine.ledger.base import (
    ChunksLeft,
    Deferral,
    FinishReport,
    Lease,
    LeaseRefusal,
    Ledger,
    MinuteOutcomes,
    NewChunk,
)

__all__ = [
    "ChunksLeft",
    "Deferral",
    "FinishReport",
    "Lease",
    "LeaseRefusal",
    "Ledger",
    "MinuteOutcomes",
    "NewChunk",
]
