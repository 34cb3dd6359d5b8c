"""A look at the collection that a job goes into, before any row is sent: it may be of another model.

The worker checks the same before it writes. This look only spares the person the wait, so a store that
does not answer at once, or cannot be asked from here, is passed over in silence.
"""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from urllib.parse import urlsplit

from vitrine.core.errors import Conflict
from vitrine.core.settings import Settings
from vitrine.core.types import model_name

PATIENCE_SECONDS = 3.0


def refuse_other_model(settings: Settings, collection: str) -> None:
    """Raise `Conflict` where the collection is there and of another model than `settings.model`."""
    present = _model_of(settings, collection)
    asked = model_name(settings.model)
    if present is None or present == asked:
        return
    raise Conflict(
        f"Collection {collection} uses model {present}, but this job would use {asked}.",
        hint="Name the collection's model with --model, or choose another --collection.",
    )


def _model_of(settings: Settings, collection: str) -> str | None:
    """The collection's model; None where there is no such collection, or no answer in time."""
    if urlsplit(settings.qdrant_url.get_secret_value()).scheme == "edge":
        return None  # a store inside a process belongs to that process alone
    found: list[str] = []
    # A thread, because each client has patience of its own that is longer than a person's.
    asking = threading.Thread(target=_ask, args=(settings, collection, found), daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    return found[0] if found else None


def _ask(settings: Settings, collection: str, found: list[str]) -> None:
    from vitrine.store.open import open_store

    # Whatever goes wrong here, a traceback of the thread would only alarm: the worker checks again.
    with suppress(Exception), closing(open_store(settings)) as store:
        found.append(store.describe(collection).space.model)
