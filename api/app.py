"""The application: routes, limits, the form of errors and the documentation over parts that are given.

From outside to inside a request passes `Faults` (an unforeseen error becomes a 500), `BodyLimit` (413), the
routes, and in them the producer, the query lane and the store. `/docs` brings its scripts along, so
that it works without a network and tells no other host who looks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import collections, health, jobs, limits, openapi, problems, search
from api.parts import Parts
from api.readiness import Readiness
from api.schemas.jobs import JobIn
from api.schemas.search import SearchIn
from vitrine import __version__

SEARCHES_IN_FLIGHT = 64
"""As many as one worker takes at once (`query_threads`); the next is refused with 429."""
THREADS = SEARCHES_IN_FLIGHT + 32
"""Threads for routes: were they all waiting for workers, looking at a job would have to wait as well."""

_DESCRIPTION = (
    "Visual search for product catalogs. Submit a catalog at `/v1/jobs`, search it at `/v1/search`."
    " Every answer that is no success is `application/problem+json`."
)


def create_app(parts: Parts) -> FastAPI:
    """The API over these parts; it opens and closes none of them."""
    app = FastAPIOffline(
        title="vitrine",
        version=__version__,
        description=_DESCRIPTION,
        redoc_url=None,
        static_url="/docs-assets",
        lifespan=_lifespan,
    )
    app.state.parts = parts
    app.state.admission = limits.Admission(SEARCHES_IN_FLIGHT)
    app.state.readiness = Readiness(parts)
    for room in (jobs, search, collections, health):
        app.include_router(room.router)
    app.add_middleware(limits.BodyLimit, limit=limits.body_limit(parts.settings))
    problems.install(app)  # last, so that its middleware is the outermost
    openapi.install(app, JobIn, SearchIn)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    readiness: Readiness = app.state.readiness
    readiness.close()
