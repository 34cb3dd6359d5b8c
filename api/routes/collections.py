"""`/v1/collections` and `/v1/workers`: the collections to search, and the workers that embed queries."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fastapi import APIRouter

from api import openapi
from api.dependencies import RequestServices
from api.schemas.inventory import (
    CollectionDetail,
    CollectionList,
    CollectionOut,
    WorkerList,
    WorkerOut,
)
from vitrine.core.errors import LedgerUnavailable, NotFound
from vitrine.core.types import JobStatus
from vitrine.ledger import Ledger
from vitrine.store import CollectionInfo, EmbeddingSpace, VectorStore

MAX_NAMED = 20
"""Collections that a 404 lists; more would not help."""
JOBS_LOOKED_AT = 200
"""Latest jobs that are searched for a collection's last one."""

router = APIRouter(tags=["inventory"])


@router.get("/v1/collections", summary="All collections", responses=openapi.error_responses())
def collections(parts: RequestServices) -> CollectionList:
    """List all collections, with their embedding spaces and indexed fields."""
    return CollectionList(
        collections=[CollectionOut.of(info) for info in parts.store.collections()]
    )


@router.get(
    "/v1/collections/{name}", summary="One collection", responses=openapi.error_responses(404)
)
def collection(parts: RequestServices, name: str) -> CollectionDetail:
    """Return one collection with its size, the state of its index, and its latest job. A 404 names those that exist."""
    with naming_those_that_exist(parts.store, name):
        info, index = parts.store.describe(name), parts.store.index_state(name)
        footprint = parts.store.footprint(name)
    return CollectionDetail.made_of(info, footprint, index, _last_job(parts.ledger, name))


@router.get("/v1/workers", summary="Running workers", responses=openapi.error_responses())
def workers(parts: RequestServices) -> WorkerList:
    """List the workers that are alive: those with a heartbeat in the last few seconds."""
    return WorkerList(workers=[WorkerOut.of(worker) for worker in parts.query_client.workers()])


def _last_job(ledger: Ledger, name: str) -> JobStatus | None:
    """Return the collection's newest job among the latest jobs; None if there is none or the ledger is unreachable."""
    with suppress(LedgerUnavailable):
        for status in ledger.jobs(limit=JOBS_LOOKED_AT, offset=0):
            if status.spec.collection == name:
                return status
    return None


def described(store: VectorStore, name: str) -> CollectionInfo:
    """Return the collection; raise `NotFound` with the names of those that exist."""
    with naming_those_that_exist(store, name):
        return store.describe(name)


def space_of(store: VectorStore, name: str) -> EmbeddingSpace:
    """Return the collection's current space; raise `NotFound` with the names of those that exist."""
    with naming_those_that_exist(store, name):
        return store.space(name)


@contextmanager
def naming_those_that_exist(store: VectorStore, name: str) -> Iterator[None]:
    """Turn a `NotFound` raised inside into one that names the collections that exist."""
    try:
        yield
    except NotFound as error:
        raise NotFound(f"There is no collection {name}.", hint=_those(store, name)) from error


def _those(store: VectorStore, meant: str) -> str:
    names = [info.name for info in store.collections()]
    if not names:
        return "No collection exists yet; submit a catalog first."
    if near := difflib.get_close_matches(meant, names, n=1):
        return f"Did you mean {near[0]}?"
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"These exist: {', '.join(names[:MAX_NAMED])}{more}."
