"""Context fields of log events: job, chunk, item, host. Bound once, then included in every following line.

A binding covers the calls within a `with` block of one thread or task. Stages that serve many chunks together run in
separate threads, and pass the fields explicitly with `log_fields`.
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
    """Include these fields in every line of this process from now on, for example the worker's name."""
    _always.update(fields)


@contextmanager
def bind_fields(**fields: object) -> Iterator[None]:
    """Include these fields in every line logged within the block, in addition to those already bound."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def log_fields(**fields: object) -> dict[str, Any]:
    """Return the `extra` of one line: `log.info("…", extra=log_fields(item="vt-7"))`."""
    return {_ATTRIBUTE: fields}


def record_fields(record: object) -> dict[str, object]:
    """Return a record's fields: those of the process, those bound where it is formatted, and its own."""
    return {**_always, **_bound.get(), **getattr(record, _ATTRIBUTE, {})}
