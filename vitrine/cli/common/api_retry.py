"""Sending many inputs to the API: in groups that fit into one request, with retries while the API is full."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from vitrine.core.errors import QueueFull

T = TypeVar("T")
R = TypeVar("R")

REQUEST_BYTES = 24 * 1024 * 1024
"""Maximum size of one request, below the 32 MiB of JSON that the API accepts."""
REQUEST_SECONDS = 300.0
"""The longest timeout that the API allows; 64 pictures take a slow model on a CPU one minute."""
TRIES = 6
"""Attempts in a row before giving up while the API is full."""


def in_groups(items: Iterable[T], most: int, size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield items in groups of up to `most` and up to `REQUEST_BYTES`; a single larger item is a group of one."""
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
    """Return the result of `ask`, retrying after the time that the API names while it is full. Raises what `ask` raises."""
    for left in reversed(range(TRIES)):
        try:
            return ask()
        except QueueFull as full:
            if not left:
                raise
            pause(full.retry_after)
    raise AssertionError("the last try returns or raises")
