"""What an event is about: job, chunk, item, host. Bound once where it is known, told with every line that follows.

Bound for the calls within a `with` block, of one thread or task; stages that serve many chunks at once have threads of
their own, and tell what they are about by themselves, with `log_fields`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_ATTRIBUTE = "about"
_bound: ContextVar[Mapping[str, object]] = ContextVar("vitrine_bound", default=MappingProxyType({}))
_always: dict[str, object] = {}


def bind_process_fields(**fields: object) -> None:
    """Tell these with every line of this process from now on: which worker it is."""
    _always.update(fields)


@contextmanager
def bind_fields(**fields: object) -> Iterator[None]:
    """Tell these fields with every line logged within the block, beside those bound around it."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def log_fields(**fields: object) -> dict[str, Any]:
    """The `extra` of one line: `log.info("…", extra=about(item="vt-7"))`."""
    return {_ATTRIBUTE: fields}


def record_fields(record: object) -> dict[str, object]:
    """What a line is about: its process, what is bound where it is formatted, and what it says itself."""
    return {**_always, **_bound.get(), **getattr(record, _ATTRIBUTE, {})}
