"""The application: builds routes, limits, error formats and documentation on the services it is given.

From the outside in, a request passes `DialectErrors` (converts errors to the dialect's format), `UnhandledErrors` (turns an
unexpected error into a 500), `RequestMetrics` (counts the request), `Audit` (logs requests that change something), `Auth`
(401, 403, 429), `BodyTimeout` (408), `BodyLimit` (413) and the routes, which use the producer, the query lane and the
store. `/docs` serves its scripts locally, so that it works without a network and contacts no other host.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio.to_thread
from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline

from api import openapi, problems, static_files
from api.dependencies import Services
from api.dialect_errors import DialectErrors
from api.dialects.clip_score import routes as clip_score
from api.dialects.oip import infer, metadata, not_served
from api.dialects.oip.statistics import Statistics
from api.dialects.openai import routes as openai
from api.dialects.runpod import routes as runpod
from api.dialects.runpod.runner import TicketRunner
from api.metrics import ApiMetrics, RequestMetrics
from api.middleware import body_limit
from api.middleware.audit import Audit
from api.middleware.auth import Auth
from api.middleware.body_timeout import BodyTimeout
from api.middleware.rate_limit import RateLimiter
from api.permissions import OPEN
from api.readiness import Readiness
from api.requests.query_params import refuse_unknown
from api.responses.sse import EventStreams
from api.routes import (
    collections,
    embed,
    events,
    facets,
    failure_summary,
    health,
    items,
    jobs,
    maps,
    preview,
    score,
    search,
    system,
)
from api.routes import metrics as scrape
from api.schemas.embed import EmbedIn, ScoreIn
from api.schemas.jobs import JobIn
from api.schemas.search import SearchIn
from api.search.sample_cache import SampleCache
from api.service_metrics import ServiceMetrics
from vitrine import __version__
from vitrine.core.api_keys import Keyring
from vitrine.store.timed import timed_store

SEARCHES_IN_FLIGHT = 64
"""As many as one worker processes at the same time (`query_threads`); the next is refused with 429."""
THREADS = SEARCHES_IN_FLIGHT + runpod.WAITERS + 32
"""Threads for routes: more than can wait for workers, so that a job's status is available even then."""

_ROUTERS = (
    jobs,
    preview,
    failure_summary,
    events,
    search,
    embed,
    score,
    collections,
    items,
    maps,
    facets,
    system,
    scrape,
    health,
)
_DIALECTS = (metadata, infer, not_served, runpod, openai, clip_score)
"""The order matters: the Open Inference Protocol's paths below `/v2/models` must not match as RunPod endpoints."""
_DESCRIPTION = (
    "Visual search for product catalogs. Submit a catalog at `/v1/jobs`, search it at `/v1/search`."
    " Errors are returned as `application/problem+json`; compatibility routes use their own format."
)


def create_app(parts: Services, keyring: Keyring | None = None) -> FastAPI:
    """Return the API on these services, for clients with a key of the keyring; it neither opens nor closes the services.

    Without keys it accepts requests from this machine only (see `api.middleware.auth`).
    """
    app = FastAPIOffline(
        title="vitrine",
        version=__version__,
        description=_DESCRIPTION,
        redoc_url=None,
        static_url="/docs-assets",
        lifespan=_lifespan,
    )
    metrics = app.state.metrics = ApiMetrics()
    parts = replace(parts, store=timed_store(parts.store, metrics.store_called))
    metrics.registry.register(ServiceMetrics(parts))
    app.state.parts = parts
    app.state.admission = body_limit.Admission(SEARCHES_IN_FLIGHT)
    app.state.readiness = Readiness(parts)
    app.state.backgrounds = SampleCache(parts.store)
    app.state.maps = maps.Maps()
    app.state.streams = EventStreams()
    app.state.oip_statistics = Statistics()
    app.state.feeds = body_limit.Admission(body_limit.FEEDS_AT_ONCE, "feeds")
    app.state.large_bodies = body_limit.Admission(body_limit.LARGE_AT_ONCE, "large bodies")
    app.state.runsync_admission = body_limit.Admission(runpod.WAITERS, "waiting requests")
    app.state.runner = TicketRunner(parts.tickets, parts.query_client)
    app.state.routes = [
        route for module in (*_ROUTERS, *_DIALECTS) for route in module.router.routes
    ]
    for module in (*_ROUTERS, *_DIALECTS):
        app.include_router(module.router, dependencies=[Depends(refuse_unknown)])
    page = static_files.read_files()
    app.include_router(static_files.router(page))
    settings = parts.settings
    app.add_middleware(body_limit.BodyLimit, limit=body_limit.body_limit(settings))
    app.add_middleware(BodyTimeout, seconds=settings.api_client_timeout)
    rate = RateLimiter(settings.api_rate, settings.api_burst)
    open_paths = OPEN | static_files.open_paths(page)
    app.add_middleware(Auth, keyring=keyring or Keyring(), rate=rate, open_paths=open_paths)
    app.add_middleware(Audit)
    app.add_middleware(RequestMetrics, metrics=metrics)
    problems.install_error_handlers(app)  # its middleware handles what all the inner ones raise
    app.add_middleware(DialectErrors)  # last, so that it is the outermost
    openapi.complete_document(
        app, JobIn, SearchIn, EmbedIn, ScoreIn, *infer.BODIES, *runpod.BODIES, *openai.BODIES, *clip_score.BODIES
    )  # fmt: skip
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    runner: TicketRunner = app.state.runner
    runner.start()
    yield
    runner.close()
    readiness: Readiness = app.state.readiness
    readiness.close()
    made: maps.Maps = app.state.maps
    made.close()
