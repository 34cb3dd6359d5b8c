"""The API process: binds, reports its URL, serves until SIGTERM or SIGINT, and closes its services.

It stops in this order: refuse new connections, finish running responses (within GRACE_SECONDS), close the services.
So no route loses a service while it runs.
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
"""For running responses; shorter than the time that supervisors and container runtimes wait before SIGKILL."""
BACKLOG = 512


class _Server(uvicorn.Server):
    """A uvicorn server that calls back once when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()


def serve(settings: Settings, on_listening: Callable[[str], None]) -> None:
    """Serve at `settings.api_host` and `api_port` until SIGTERM or SIGINT; call `on_listening` with the URL.

    Raises `Unavailable` if the address cannot be bound; `BadInput` for an invalid address of a service, invalid keys, or
    a non-loopback address without keys.
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
    """Return the server's configuration: connections are limited and timed, and only the named proxies are trusted."""
    # The loop is explicit, because uvicorn would use another one if some package has installed it.
    return uvicorn.Config(
        app, loop="asyncio", log_config=None, access_log=False, server_header=False, ws="none",
        http=limited(settings.api_client_timeout, settings.api_max_connections),
        proxy_headers=bool(settings.api_trusted_proxies),
        forwarded_allow_ips=list(settings.api_trusted_proxies),
        timeout_graceful_shutdown=GRACE_SECONDS, backlog=BACKLOG,
    )  # fmt: skip


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free port. Raises `Unavailable`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unavailable(
            f"The API cannot listen at {host} port {port}: {reason}.",
            hint="Choose another with --host or --port; port 0 uses a free one.",
        ) from error
    # Connections inherit it. Without it, the end of a response waits for the client's delayed
    # acknowledgement of its beginning: 40 ms per request.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a server bound to the host."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _stop_on_signals(server: uvicorn.Server, streams: EventStreams) -> None:
    def stop(*_: object) -> None:
        server.should_exit = True
        streams.end()  # They would otherwise last as long as their jobs.

    # uvicorn replaces these handlers while it runs and raises a caught signal again when it ends; with the
    # default handlers, that would end the process before its services are closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
