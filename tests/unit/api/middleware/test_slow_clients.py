"""A real server, and clients on real sockets that drip, stall, do not read, or come in large numbers.

The server's timeout is short and the tests' long, so no test depends on the machine's speed.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
import uvicorn
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.server import bind_socket, server_config
from tests.patience import PATIENCE
from tests.unit.api.api_fixture import make_stage
from vitrine.core.settings import Settings

HOST = b"Host: 127.0.0.1\r\n"
PLAIN = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
MOMENT = Settings(api_client_timeout=0.3)

Connect = Callable[[], socket.socket]


@contextmanager
def serving(app: ASGIApp, settings: Settings) -> Iterator[Connect]:
    """Serve the app on loopback; yield a function that connects to it."""
    with ExitStack() as open_sockets, closing(bind_socket("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(server_config(settings, app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = listening.getsockname()

        def connect() -> socket.socket:
            return open_sockets.enter_context(socket.create_connection(address, timeout=PATIENCE))

        try:
            yield connect
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connections to the API, whose client timeout is short."""
    with serving(make_stage(MOMENT).app, MOMENT) as made:
        yield made


def answer(client: socket.socket) -> bytes:
    """Return everything received until the server closes; fails if it never does."""
    found = b""
    with suppress(ConnectionError):
        while part := client.recv(65536):
            found += part
    return found


def one_answer(client: socket.socket) -> bytes:
    """Return the next response on a connection that stays open: its head, and a body of the announced length."""
    with client.makefile("rb") as lines:
        head = b"".join(iter(lines.readline, b"\r\n"))
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None, head
        return head + lines.read(int(length[1]))


def drip(client: socket.socket, data: bytes) -> bytes:
    """Send the data byte by byte, repeatedly, until the server closes; return its response."""
    client.settimeout(0.05)
    found = b""
    for turn in range(int(PATIENCE / 0.05)):
        with suppress(TimeoutError):
            try:
                client.send(data[turn % len(data) :][:1])
                part = client.recv(65536)
            except ConnectionError:
                return found
            if not part:
                return found
            found += part
    raise AssertionError("the server never closed")


def test_a_head_that_drips_is_cut(connect: Connect) -> None:
    client = connect()
    client.send(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
    assert drip(client, b"a") == b""


def test_a_connection_that_says_nothing_is_cut(connect: Connect) -> None:
    assert answer(connect()) == b""


@pytest.mark.parametrize("path", [b"/v1/jobs", b"/v1/search", b"/v1/jobs/x/retry"])
def test_a_body_that_drips_is_a_408_and_a_closed_connection(connect: Connect, path: bytes) -> None:
    client = connect()
    client.send(b"POST " + path + b" HTTP/1.1\r\n" + HOST)
    client.send(b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    found = drip(client, b" ")
    assert found.startswith(b"HTTP/1.1 408 ")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["code"] == "too_slow"


def test_an_upload_that_stalls_is_a_408(connect: Connect) -> None:
    client = connect()
    client.send(b"POST /v1/jobs HTTP/1.1\r\n" + HOST)
    client.send(b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n")
    client.send(b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nid')
    assert answer(client).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_nobody_reads_does_not_hold_the_connection(connect: Connect) -> None:
    client = connect()
    client.send(b"POST /v1/nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n")
    assert drip(client, b" ").startswith(b"HTTP/1.1 404 ")


def test_an_answer_that_nobody_reads_is_given_up() -> None:
    ended = threading.Event()

    def parts() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await StreamingResponse(parts())(scope, receive, send)
        finally:
            ended.set()

    with serving(endless, MOMENT) as connect:
        connect().send(PLAIN)
        assert ended.wait(PATIENCE)


def test_who_keeps_up_is_served_over_one_connection_for_as_long_as_it_likes() -> None:
    patient = Settings(api_client_timeout=PATIENCE)
    with serving(make_stage(patient).app, patient) as connect:
        client = connect()
        for _ in range(20):
            client.send(PLAIN)
            assert one_answer(client).startswith(b"HTTP/1.1 200 ")


def test_requests_sent_ahead_are_answered_in_turn(connect: Connect) -> None:
    client = connect()
    client.send(PLAIN * 3)
    assert answer(client).count(b"HTTP/1.1 200 ") == 3


def test_one_connection_too_many_is_told_so_at_once_and_the_others_go_on() -> None:
    settings = Settings(api_max_connections=2, api_client_timeout=PATIENCE)
    with serving(make_stage(settings).app, settings) as connect:
        first, second = connect(), connect()
        for client in (first, second):
            client.send(PLAIN)
            assert one_answer(client).startswith(b"HTTP/1.1 200 ")
        refused = answer(connect())
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"application/problem+json" in refused
        assert json.loads(refused.partition(b"\r\n\r\n")[2])["status"] == 503
        first.send(PLAIN)
        assert one_answer(first).startswith(b"HTTP/1.1 200 ")
        second.close()


def test_what_is_no_http_is_a_problem_like_the_others(connect: Connect) -> None:
    client = connect()
    client.send(b"\x16\x03\x01 this is TLS\r\n\r\n")
    found = answer(client)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert json.loads(found.partition(b"\r\n\r\n")[2])["code"] == "bad_request"


def test_a_head_without_end_is_refused(connect: Connect) -> None:
    client = connect()
    with suppress(ConnectionError):
        client.send(b"GET /healthz HTTP/1.1\r\nX-Long: " + b"a" * 200_000)
    assert answer(client)[:13] in {b"HTTP/1.1 400 ", b""}


@pytest.mark.parametrize(("proxies", "client"), [((), "127.0.0.1"), (("127.0.0.1",), "192.0.2.9")])
def test_only_a_named_proxy_is_believed_who_asks(proxies: tuple[str, ...], client: str) -> None:
    seen: list[str] = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"][0])
        await Response()(scope, receive, send)

    with serving(look, Settings(api_trusted_proxies=proxies)) as connect:
        asking = connect()
        asking.send(PLAIN[:-2] + b"X-Forwarded-For: 192.0.2.9\r\nConnection: close\r\n\r\n")
        answer(asking)
    assert seen == [client]
