"""An application on a real socket of loopback, served as `vitrine api` serves it."""

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
    """The URL at which it answers while inside."""
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
