"""Serve an application on a real loopback socket, as `vitrine api` does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.server import bind_socket, server_config, url_of
from tests.patience import PATIENCE
from vitrine.core.settings import Settings


@contextmanager
def served(app: ASGIApp, settings: Settings) -> Iterator[str]:
    """Yield the URL of the app, served until the block ends."""
    with closing(bind_socket("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(server_config(settings, app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield url_of("127.0.0.1", listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()
