"""The API as a process: binds, says where it listens, serves until SIGTERM or SIGINT, closes its parts.

The order of stopping: no new connections, answers under way end (within GRACE_SECONDS), then the parts
close. So nothing is taken from under a route that still runs.
"""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from api.app import create_app
from api.dependencies import open_services
from api.middleware import audit
from api.middleware.connections import limited
from api.responses.sse import EventStreams
from vitrine.core.api_keys import read_keyring, require_keys_unless_loopback
from vitrine.core.errors import Unavailable
from vitrine.core.settings import Settings

GRACE_SECONDS = 10
"""For answers under way; shorter than what supervisors and container runtimes wait before SIGKILL."""
BACKLOG = 512


class _Server(uvicorn.Server):
    """Says once that it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()


def serve(settings: Settings, on_listening: Callable[[str], None]) -> None:
    """Serve at `settings.api_host` and `api_port` until told to stop; `on_listening` gets the URL.

    Raises `Unavailable` where the address cannot be bound; `BadInput` for a part's address that cannot be one,
    keys that are none, and an address beyond this machine without keys.
    """
    keyring = read_keyring(settings)
    require_keys_unless_loopback(settings.api_host, keyring)
    with (
        contextlib.closing(bind_socket(settings.api_host, settings.api_port)) as listening,
        open_services(settings) as parts,
        audit.written_to(settings.audit_log),
    ):
        url = url_of(settings.api_host, listening.getsockname()[1])
        app = create_app(parts, keyring)
        config = server_config(settings, app)
        server = _Server(config, lambda: on_listening(url))
        _stop_on_signals(server, app.state.streams)
        server.run(sockets=[listening])


def server_config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """How the app is served: over connections that are counted and timed, believing named proxies alone."""
    # The loop is named, since uvicorn would take another one wherever somebody's package has brought it along.
    return uvicorn.Config(
        app, loop="asyncio", log_config=None, access_log=False, server_header=False, ws="none",
        http=limited(settings.api_client_timeout, settings.api_max_connections),
        proxy_headers=bool(settings.api_trusted_proxies),
        forwarded_allow_ips=list(settings.api_trusted_proxies),
        timeout_graceful_shutdown=GRACE_SECONDS, backlog=BACKLOG,
    )  # fmt: skip


def bind_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `Unavailable`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unavailable(
            f"The API cannot listen at {host} port {port}: {reason}.",
            hint="Choose another with --host or --port; port 0 takes a free one.",
        ) from error
    # Connections inherit it. Without it the end of an answer waits for the client's delayed
    # acknowledgement of its beginning: 40 ms a request.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(host: str, port: int) -> str:
    """The URL under which this machine reaches a server bound to the host."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _stop_on_signals(server: uvicorn.Server, streams: EventStreams) -> None:
    def stop(*_: object) -> None:
        server.should_exit = True
        streams.end()  # They would go on for as long as their jobs.

    # uvicorn takes these over while it runs and raises what it caught again at its end; with the default
    # handlers that would end the process before its parts are closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
