"""What a model may say or do about the size of its batches."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from workers.models.staged import StagedModel


@runtime_checkable
class PrefersBatch(Protocol):
    """A model that knows its best batch."""

    preferred_batch: int  #: Pictures.


@runtime_checkable
class Tunable(StagedModel, Protocol):
    """A model whose best batch is found by trying, and that can prepare itself for it."""

    @property
    def fingerprint(self) -> str:
        """What its speed depends on, in words: equal where the best batch size is."""

    def tune(self, size: int) -> None:
        """Prepare for batches of up to `size` pictures; in the thread that owns the device; may take minutes."""
