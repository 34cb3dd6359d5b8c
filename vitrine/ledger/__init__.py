"""The ledger: which pictures a job has, and the one outcome of each. The queue is only a hint."""

from vitrine.ledger.base import (
    FinishReport,
    Lease,
    Ledger,
    NewChunk,
    Putoff,
    Refusal,
)

__all__ = ["FinishReport", "Lease", "Ledger", "NewChunk", "Putoff", "Refusal"]
