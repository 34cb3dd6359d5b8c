"""A store that tells how long each call of it took, whichever engine is behind it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from vitrine.store.base import VectorStore

CallObserver: TypeAlias = Callable[[str, float, bool], None]
"""Takes the operation's name, its seconds, and whether it came back without an error."""

_UNTIMED = frozenset({"close", "scroll"})
"""Calls that wait for nobody: `scroll` gives its points as they are asked for."""


def timed_store(store: VectorStore, tell: CallObserver) -> VectorStore:
    """The same store, each of its calls told to `tell` when it has ended."""
    return cast("VectorStore", _TimedStore(store, tell))


class _TimedStore:
    """Stands before the store; whatever the protocol grows by is timed too."""

    def __init__(self, store: VectorStore, tell: CallObserver) -> None:
        self._store = store
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name.startswith("_") or name in _UNTIMED or not callable(found):
            return found
        # Kept, so that a search costs one look-up more and not a new function.
        call = self.__dict__[name] = _timed_call(name, found, self._tell)
        return call


def _timed_call(name: str, call: Callable[..., Any], tell: CallObserver) -> Callable[..., Any]:
    @functools.wraps(call)
    def watched(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        good = False
        try:
            result = call(*args, **kwargs)
            good = True
            return result
        finally:
            tell(name, time.perf_counter() - began, good)

    return watched
