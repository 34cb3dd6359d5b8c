"""The vector store's options, as one value passed from the settings to the code that uses them.

A new option needs a field here, a setting of the same name in `vitrine.core.settings`, and its use in the stores that
support it: in their `generation` modules if it shapes a collection, in the parameters that their `store` modules pass to a ranker
if it shapes a search. Nothing in between changes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """The options of a store and its collections; the settings of the same names describe their effects."""

    index_points: int = 20_000
    """Unindexed points from which an index is worth building: comparing 20,000 vectors one by one takes 4 ms."""
    index_deferred: bool = True  #: Whether a bulk load defers the index.
    index_timeout: float = 3600.0
    """Seconds without progress after which a job no longer waits for an index."""
    store_timeout: int = 30  #: Seconds for one request to a Qdrant server.

    @classmethod
    def from_settings(cls, settings: object) -> StoreOptions:
        """Take every option from `vitrine.core.settings.Settings`, whose defaults come from here."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})


DEFAULTS = StoreOptions()
