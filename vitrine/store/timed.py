"""A wrapper that reports the duration of each call to a store, whichever engine it uses."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from vitrine.store.base import VectorStore

CallObserver: TypeAlias = Callable[[str, float, bool], None]
"""Takes the operation's name, its duration in seconds, and whether it succeeded."""

_UNTIMED = frozenset({"close", "scroll"})
"""Calls without a meaningful duration: `scroll` yields its points at the consumer's pace."""


def timed_store(store: VectorStore, tell: CallObserver) -> VectorStore:
    """Wrap the store so that every call is reported to `tell` when it ends."""
    return cast("VectorStore", _TimedStore(store, tell))


class _TimedStore:
    """Forwards every call to the store. Methods added to the protocol later are timed too."""

    def __init__(self, store: VectorStore, tell: CallObserver) -> None:
        self._store = store
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name.startswith("_") or name in _UNTIMED or not callable(found):
            return found
        # Cached, so that later searches do not create a new function each time.
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
