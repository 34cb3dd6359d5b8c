"""What can be set of the vector store, as one value that travels from the settings to whatever uses a part of it.

A new option is a field here, a setting of the same name in `vitrine.core.settings`, and its use in the stores that know it: for
the making of a collection in their `generation` modules, for searches in the parameters that their `store` modules hand to a
ranker. Nothing in between has to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """The options of a store and its collections; the settings of the same names say what each costs."""

    index_points: int = 20_000
    """Points without a graph that make building one worth while: comparing 20,000 vectors one by one takes 4 ms."""
    index_deferred: bool = True  #: Whether a bulk load defers the index.
    index_timeout: float = 3600.0
    """Seconds of standstill after which a job no longer waits for an index."""
    store_timeout: int = 30  #: Seconds for one request to a Qdrant server.

    @classmethod
    def from_settings(cls, settings: object) -> StoreOptions:
        """Every option as the `vitrine.core.settings.Settings` have it, whose defaults come from here."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})


DEFAULTS = StoreOptions()
