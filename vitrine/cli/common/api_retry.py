"""Asking the API for many things: in groups that fit into one request, and once more where it asks to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from vitrine.core.errors import QueueFull

T = TypeVar("T")
R = TypeVar("R")

REQUEST_BYTES = 24 * 1024 * 1024
"""What one request holds at most, below the 32 MiB of JSON that the API takes."""
REQUEST_SECONDS = 300.0
"""The longest that the API has a request wait: 64 pictures take a slow model on a CPU a minute."""
TRIES = 6
"""Requests that are put off, in a row, before it is given up."""


def in_groups(items: Iterable[T], most: int, size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Items in groups of up to `most` that take `REQUEST_BYTES` at most, if they are more than one."""
    group: list[T] = []
    size = 0
    for item in items:
        more = size_of(item)
        if group and (len(group) == most or size + more > REQUEST_BYTES):
            yield group
            group, size = [], 0
        group.append(item)
        size += more
    if group:
        yield group


def retry_while_full(ask: Callable[[], R], *, pause: Callable[[float], None] = time.sleep) -> R:
    """What `ask` gives; while the API is full it is asked again after as long as it says. Raises what `ask` does."""
    for left in reversed(range(TRIES)):
        try:
            return ask()
        except QueueFull as full:
            if not left:
                raise
            pause(full.retry_after)
    raise AssertionError("the last try returns or raises")
