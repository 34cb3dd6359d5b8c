"""The store process's server: access, refusals, shutdown, and how its client handles them."""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.patience import PATIENCE
from vitrine.core.errors import BadInput, NotFound, StoreUnavailable
from vitrine.store import EmbeddingSpace, PointBatch, Provenance
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.remote.protocol import MAX_BODY, encode_frame, read_frame
from vitrine.store.remote.server import StoreServer, serve
from vitrine.store.remote.store import RemoteStore
from vitrine.testing.memory_store import MemoryStore

TOKEN = "a-token-for-the-tests"
SPACE = EmbeddingSpace("m", "r", "p", 4)


def points(count: int) -> PointBatch:
    vectors = np.zeros((count, 4), np.float32)
    vectors[:, 1] = 1
    provenance = Provenance("job", "m", "r", "p", "00", None, "2026-01-01T00:00:00Z")
    return PointBatch(
        ids=[f"00000000-0000-0000-0000-{row:012d}" for row in range(count)],
        vectors=vectors,
        item_ids=[f"i{row}" for row in range(count)],
        indexes=[0] * count,
        urls=[""] * count,
        fields=[{}] * count,
        provenance=[provenance] * count,
    )


@pytest.fixture
def server() -> Iterator[StoreServer]:
    running = StoreServer(MemoryStore(), "127.0.0.1", 0, TOKEN)
    running.start()
    yield running
    running.shutdown()


@pytest.fixture
def client(server: StoreServer) -> Iterator[RemoteStore]:
    store = RemoteStore(server.url, TOKEN)
    yield store
    store.close()


def ask(
    server: StoreServer, path: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        given = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
        connection.request("POST", path, body, given)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \xe9"},
    ],
)
def test_nobody_gets_in_without_the_token(server: StoreServer, headers: dict[str, str]) -> None:
    status, body = ask(server, "/v1/ping", encode_frame({}), headers)
    assert status == 401
    assert TOKEN.encode() not in body


def test_a_client_with_a_wrong_token_is_told(server: StoreServer) -> None:
    store = RemoteStore(server.url, "another-token-altogether")
    with pytest.raises(StoreUnavailable, match="token is missing or wrong") as refusal:
        store.ping()
    assert TOKEN not in str(refusal.value)
    store.close()


@pytest.mark.parametrize("path", ["/", "/v1/", "/v1/close", "/v1/../ping", "/v1/ping?x=1"])
def test_what_is_no_operation_is_not_found(server: StoreServer, path: str) -> None:
    assert ask(server, path, b"")[0] == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"\x01", b"\xff\xff\xff\xff", b"\x02\x00\x00\x00{}", encode_frame({"top": 1})[:-3]],
)
def test_a_malformed_frame_is_refused_and_the_next_one_served(
    server: StoreServer, client: RemoteStore, body: bytes
) -> None:
    assert ask(server, "/v1/ping", body)[0] == 400
    client.ping()


def test_a_frame_that_claims_more_than_it_has_is_refused(server: StoreServer) -> None:
    whole = encode_frame({"name": "c"}, np.zeros((1, 4), np.float32))
    assert ask(server, "/v1/search", whole[:-4])[0] == 400
    claimed = encode_frame({}).replace(b'"shape":[0,0]', b'"shape":[9,9]')
    assert ask(server, "/v1/ping", claimed)[0] == 400


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], b"411"),
        ([b"Content-Length: many"], b"411"),
        ([b"Content-Length: -1"], b"411"),
        ([b"Content-Length: %d" % (MAX_BODY + 1)], b"413"),
        ([b"Content-Length: " + b"9" * 40], b"413"),
        ([b"Transfer-Encoding: chunked"], b"411"),
    ],
)
def test_a_body_has_a_length_within_the_limit(
    server: StoreServer, lines: list[bytes], status: bytes
) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE) as raw:
        head = [b"POST /v1/ping HTTP/1.1", b"Host: x", b"Authorization: Bearer " + TOKEN.encode()]
        raw.sendall(b"\r\n".join([*head, *lines, b"", b""]))
        assert raw.recv(64).split()[1] == status


def test_a_failure_of_the_store_is_told_without_its_insides(
    server: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: MemoryStore) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(MemoryStore, "ping", broken)
    status, body = ask(server, "/v1/ping", encode_frame({}))
    assert status == 500
    assert b"hunter2" not in body
    assert b"see its log" in body


def test_an_error_in_the_middle_of_a_scroll_reaches_the_client(
    client: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.ensure("c", SPACE)
    client.upsert("c", points(600))
    scroll = MemoryStore.scroll

    def cut(store: MemoryStore, name: str, *, with_vectors: bool = True) -> Iterator[object]:
        for row, point in enumerate(scroll(store, name, with_vectors=with_vectors)):
            if row == 300:
                raise StoreUnavailable("The disk went away.")
            yield point

    monkeypatch.setattr(MemoryStore, "scroll", cut)
    with pytest.raises(StoreUnavailable, match="disk went away"):
        list(client.scroll("c"))
    client.ping()


def test_a_server_that_went_away_is_unavailable_and_may_come_back(tmp_path: Path) -> None:
    first = serve(tmp_path, "127.0.0.1", 0, TOKEN)
    first.start()
    port = urlsplit(first.url).port or 0
    store = RemoteStore(first.url, TOKEN)
    store.ensure("c", SPACE)
    store.upsert("c", points(5))
    first.shutdown()
    with pytest.raises(StoreUnavailable, match="does not respond"):
        store.count("c")
    second = serve(tmp_path, "127.0.0.1", port, TOKEN)
    second.start()
    assert store.count("c") == 5
    second.shutdown()
    store.close()


def test_a_connection_that_was_closed_while_idle_is_replaced_unseen(tmp_path: Path) -> None:
    server = serve(tmp_path, "127.0.0.1", 0, TOKEN)
    server.start()
    store = RemoteStore(server.url, TOKEN)
    store.ping()
    server._http.stop_reading()  # as the idle limit does
    for _ in range(3):
        store.ping()
    store.close()
    server.shutdown()


def test_shutdown_lets_the_work_in_hand_finish(
    server: StoreServer, client: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on = threading.Event(), threading.Event()
    upsert = MemoryStore.upsert

    def slow(store: MemoryStore, name: str, batch: PointBatch) -> None:
        entered.set()
        assert go_on.wait(PATIENCE)
        upsert(store, name, batch)

    monkeypatch.setattr(MemoryStore, "upsert", slow)
    client.ensure("c", SPACE)
    with ThreadPoolExecutor(2) as threads:
        written = threads.submit(client.upsert, "c", points(3))
        assert entered.wait(PATIENCE)
        stopped = threads.submit(server.shutdown)
        go_on.set()
        written.result(PATIENCE)
        stopped.result(PATIENCE)


def test_shutdown_closes_the_store_for_the_next_owner(tmp_path: Path) -> None:
    server = serve(tmp_path, "127.0.0.1", 0, TOKEN)
    with pytest.raises(StoreUnavailable, match="already in use"):
        serve(tmp_path, "127.0.0.1", 0, TOKEN)
    server.shutdown()  # never started
    EmbeddedStore(tmp_path).close()


@pytest.mark.parametrize("token", ["", "short", "x" * 15])
def test_a_weak_token_is_refused_before_anything_is_opened(tmp_path: Path, token: str) -> None:
    with pytest.raises(BadInput, match="at least 16 characters"):
        serve(tmp_path / "store", "127.0.0.1", 0, token)
    assert not (tmp_path / "store").exists()


def test_an_address_that_is_taken_is_named_and_the_store_let_go(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreUnavailable, match=str(port)):
            serve(tmp_path, "127.0.0.1", port, TOKEN)
    EmbeddedStore(tmp_path).close()


def test_errors_keep_their_class(client: RemoteStore) -> None:
    with pytest.raises(NotFound, match="no collection 'absent'"):
        client.describe("absent")
    client.ensure("c", SPACE)
    with pytest.raises(BadInput, match="top: expected"):
        client.search("c", np.ones(4, np.float32), top=5000)
    with pytest.raises(ValueError, match="a query is"):
        client.search("c", np.ones(5, np.float32), top=1)


def test_a_frame_is_what_was_written() -> None:
    vectors = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    stream = io.BytesIO(encode_frame({"é": [1, None]}, vectors) + encode_frame({"end": True}))
    header, back = read_frame(stream)
    assert header["é"] == [1, None]
    np.testing.assert_array_equal(back, vectors)
    assert read_frame(stream)[0]["end"] is True
    with pytest.raises(ValueError, match="cut short"):
        read_frame(stream)
