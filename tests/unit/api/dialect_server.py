"""The API over parts in memory on a real socket, for the official clients of other systems."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import uvicorn

from api.serve import bind, server_config, url_of
from tests.unit.api.api_stage import Stage


@contextmanager
def served_at(stage: Stage) -> Iterator[str]:
    """The URL at which the stage answers while the block runs."""
    with closing(bind("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(server_config(stage.parts.settings, stage.app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield url_of("127.0.0.1", listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(60)
