"""Checks of the vector store: whether it responds, is new enough, and allows the requests that vitrine sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from vitrine.core.errors import StoreUnavailable
from vitrine.core.settings import Settings
from vitrine.doctor.finding import Finding, FindingFactory
from vitrine.doctor.version import parse_major_minor
from vitrine.store.base import VectorStore
from vitrine.store.open import check_url, open_store

MIN_QDRANT_VERSION = (1, 16)
"""This version introduced collection metadata, which records the space of a collection's vectors."""
TIMEOUT_SECONDS = 10.0
CHUNK_POINTS = 64
_NEEDED: Mapping[str, int] = {
    "upsert_max_batchsize": CHUNK_POINTS,
    "max_query_limit": 300,
    "filter_max_conditions": 100,
}
"""Limits of Qdrant's strict mode, and the most that normal operation needs: the points of a chunk; three points for each
of a hundred items; the conditions of one filter."""

_BOOK = FindingFactory("store")


def check_store(settings: Settings) -> Iterator[Finding]:
    """Query the store; raises `StoreUnavailable` if it does not respond, `BadInput` for an invalid URL."""
    kind = check_url(settings)
    if kind == "embedded":
        path = urlsplit(settings.qdrant_url.get_secret_value()).path
        yield _BOOK.note(
            f"It is embedded in the process that has {path} open; no other process can inspect it."
        )
        return
    with closing(open_store(settings)) as store:
        store.ping()
        if kind == "qdrant":
            yield from _server(settings)
        else:
            yield _BOOK.good("vitrine's store process responds.")
        yield from _collections(store)
        if kind == "qdrant":
            for info in store.collections():
                yield from _limits(
                    info.name, _get_json(settings, f"/collections/{quote(info.name)}")
                )


def _server(settings: Settings) -> Iterator[Finding]:
    told = str(_get_json(settings, "/").get("version", ""))
    if parse_major_minor(told) < MIN_QDRANT_VERSION:
        oldest = ".".join(map(str, MIN_QDRANT_VERSION))
        yield _BOOK.wrong(
            f"Qdrant {told or 'of an unknown version'} answers; collections need {oldest} or newer.",
            f"Update Qdrant to {oldest} or newer.",
        )
    else:
        yield _BOOK.good(f"Qdrant {told} answers.")


def _collections(store: VectorStore) -> Iterator[Finding]:
    found = store.collections()
    points = sum(info.points for info in found)
    noun = "collection" if len(found) == 1 else "collections"
    yield _BOOK.good(f"{len(found):,} {noun}, {points:,} points.")
    for info in found:
        state = store.index_state(info.name)
        if state.deferred:
            yield _BOOK.note(
                f"The index of {info.name} is deferred during a bulk load; a worker builds it afterwards."
            )


def _limits(name: str, told: Mapping[str, Any]) -> Iterator[Finding]:
    """Check Qdrant's status of a collection, and the limits of its strict mode if that is enabled."""
    result = told.get("result") or {}
    if result.get("status") == "red":
        yield _BOOK.wrong(
            f"Qdrant reports that collection {name} is broken (status red).",
            "See its log; a full disk is the usual cause.",
        )
    strict = (result.get("config") or {}).get("strict_mode_config") or {}
    if not strict.get("enabled"):
        return
    for limit, needed in _NEEDED.items():
        allowed = strict.get(limit)
        if isinstance(allowed, int) and allowed < needed:
            yield _BOOK.warning(
                f"The collection {name} is in strict mode with {limit} {allowed}; up to {needed} are asked.",
                f"Raise {limit} to {needed} or more, or disable its strict mode.",
            )


def _get_json(settings: Settings, path: str) -> Mapping[str, Any]:
    """Fetch JSON from a Qdrant server that the store gateway does not offer; raises `StoreUnavailable`."""
    key = settings.qdrant_api_key
    headers = {"api-key": key.get_secret_value()} if key else {}
    url = settings.qdrant_url.get_secret_value().rstrip("/") + path
    try:
        answer = requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        answer.raise_for_status()
        told = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise StoreUnavailable(f"The store did not respond ({type(error).__name__}).") from error
    return told if isinstance(told, dict) else {}
