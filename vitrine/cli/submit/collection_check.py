"""A check of a job's collection before any row is sent: it may use another model.

The worker checks the same before it writes. This check only saves the user the wait, so it is skipped
silently if the store does not respond quickly or is not reachable from here.
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
    """Raise `Conflict` if the collection exists and uses a model other than `settings.model`."""
    present = _model_of(settings, collection)
    asked = model_name(settings.model)
    if present is None or present == asked:
        return
    raise Conflict(
        f"Collection {collection} uses model {present}, but this job would use {asked}.",
        hint="Name the collection's model with --model, or choose another --collection.",
    )


def _model_of(settings: Settings, collection: str) -> str | None:
    """Return the collection's model; None if the collection does not exist or the store does not respond in time."""
    if urlsplit(settings.qdrant_url.get_secret_value()).scheme == "edge":
        return None  # only its own process can open an in-process store
    found: list[str] = []
    # In a thread, because the store clients have timeouts longer than a user would wait.
    asking = threading.Thread(target=_ask, args=(settings, collection, found), daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    return found[0] if found else None


def _ask(settings: Settings, collection: str, found: list[str]) -> None:
    from vitrine.store.open import open_store

    # A traceback from this thread would only alarm the user: the worker checks again.
    with suppress(Exception), closing(open_store(settings)) as store:
        found.append(store.describe(collection).space.model)
