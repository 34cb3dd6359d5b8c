"""A stream over a real connection: it ends properly when the service stops, and is released when its client leaves."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import requests
import uvicorn

from api.responses.sse import EventStreams
from api.server import _stop_on_signals, bind_socket, server_config, url_of
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import Stage, make_stage
from vitrine.core.settings import Settings


class Served:
    """The stage's API on a real socket."""

    def __init__(self, stage: Stage, server: uvicorn.Server, url: str) -> None:
        self.stage, self.server, self.url = stage, server, url
        self.streams: EventStreams = stage.app.state.streams

    @contextmanager
    def watched(self) -> Iterator[Iterator[bytes]]:
        """Yield the lines of a stream of an unfinished job, after its first line."""
        job = self.stage.job(images=1)
        url = f"{self.url}/v1/jobs/{job}/events"
        with requests.get(url, stream=True, timeout=PATIENCE) as answer:
            lines: Iterator[bytes] = answer.iter_lines(chunk_size=1)
            assert next(lines) == b"event: progress"
            yield lines


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    stage = make_stage(settings)  # not the other tests' stage, which is already started
    with closing(bind_socket("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(server_config(stage.parts.settings, stage.app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Served(stage, server, url_of("127.0.0.1", listening.getsockname()[1]))
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_service_that_stops_ends_its_streams_whole(served: Served) -> None:
    with served.watched() as lines:
        served.server.should_exit = True
        served.streams.end()
        # Reading a truncated stream would raise, since the response's last chunk would be missing.
        assert next(lines).startswith(b"data: ")
        assert b"event: problem" not in list(lines)


def test_a_client_that_goes_leaves_its_place(served: Served) -> None:
    with served.watched():
        assert served.streams._open == 1
    deadline = time.monotonic() + PATIENCE
    while served.streams._open:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_told_to_stop_ends_the_streams(number: signal.Signals, stage: Stage) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    server = uvicorn.Server(server_config(stage.parts.settings, stage.app))
    streams = EventStreams()
    try:
        _stop_on_signals(server, streams)
        signal.raise_signal(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert (server.should_exit, streams.ended) == (True, True)
