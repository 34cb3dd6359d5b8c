"""The API's Prometheus metrics: its requests, and the state of the service in the ledger and the queue.

Requests and store calls are counted as they happen. Queues and workers are read from Redis at each scrape, so every
API process reports the same values: aggregate them over processes by their maximum, not their sum.
"""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vitrine.telemetry.registry import process_registry

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a simple lookup to a query that times out."""
UNMATCHED = "unmatched"
"""The route label of requests that match no route: clients choose paths freely, and each would become a series."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ApiMetrics:
    """Everything that one API process exports; `registry` holds it."""

    def __init__(self) -> None:
        self.registry = process_registry()
        self.requests = Counter(
            "vitrine_http_requests",
            "Requests by response status; 0 if the client got no response.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "vitrine_http_request_seconds",
            "Seconds from a request's headers to the response's headers.",
            ["method", "route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "vitrine_http_requests_in_flight",
            "Requests whose response is not complete.",
            registry=self.registry,
        )
        self.stores = Histogram(
            "vitrine_store_seconds",
            "Seconds of a call to the vector store.",
            ["operation", "outcome"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def store_called(self, operation: str, seconds: float, good: bool) -> None:  # noqa: FBT001 - as `vitrine.store.timed` calls it
        """Count a store call."""
        self.stores.labels(operation, "ok" if good else "error").observe(seconds)

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request whose response has started, or that ended without one (status 0)."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = route_of(scope)
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


class RequestMetrics:
    """ASGI middleware: counts every request, including those that inner middleware refuses."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        told = False

        def tell(status: int) -> None:
            nonlocal told
            if not told:
                told = True
                self._metrics.answered(scope, status, time.perf_counter() - began)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                tell(message["status"])
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.in_flight.dec()
            tell(0)


def route_of(scope: Scope) -> str:
    """Return the route's pattern, such as `/v1/jobs/{job}`; never the path itself."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED
