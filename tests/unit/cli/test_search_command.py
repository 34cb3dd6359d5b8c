from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from api.middleware.body_limit import Admission
from tests.http_server import served
from tests.unit.api.api_fixture import Stage, make_stage, put
from vitrine.cli import main
from vitrine.core.errors import LedgerUnavailable, StoreRejected
from vitrine.core.settings import Settings
from vitrine.query.client import Query

Search: TypeAlias = Callable[..., Result]


@pytest.fixture
def stage() -> Stage:
    """The API over in-memory parts, with two shirts and a bag."""
    stage = make_stage(Settings())
    put(
        stage.store,
        "summer",
        ("shirt", 0, b"shirt", {"title": "Striped shirt", "colour": "red", "price": 20}),
        ("bag", 0, b"bag", {"name": "[bold]Bag", "colour": "blue", "price": 80}),
    )
    return stage


@pytest.fixture
def url(stage: Stage) -> Iterator[str]:
    """The stage, listening on loopback."""
    with served(stage.app, stage.parts.settings) as address:
        yield address


@pytest.fixture
def search(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """`vitrine search --collection summer` against the stage."""
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            main, ["search", "--collection", "summer", "--api", url, *arguments]
        )

    return run


def test_a_local_picture_is_uploaded_byte_by_byte(
    search: Search, stage: Stage, tmp_path: Path
) -> None:
    picture = tmp_path / "shirt.jpg"
    picture.write_bytes(b"shirt")
    result = search("--image", str(picture), "--top", "1", "--filter", '{"price": {"lt": 50}}')
    assert result.exit_code == 0, result.output
    assert stage.query_client.asked == [("builtin", Query("image", b"shirt"))]
    assert "1.000" in result.stdout
    assert "Striped shirt, colour: red, price: 20" in result.stdout
    assert "bag" not in result.stdout
    assert "the uploaded picture" in result.stderr


def test_a_file_url_names_a_local_picture(search: Search, stage: Stage, tmp_path: Path) -> None:
    picture = tmp_path / "a shirt.jpg"
    picture.write_bytes(b"shirt")
    assert search("--image", picture.as_uri()).exit_code == 0
    assert stage.query_client.asked == [("builtin", Query("image", b"shirt"))]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("", "found ''"),
        ("file://host/x.jpg", "file:///absolute/path"),
        ("a b.jpg", "'a b.jpg' cannot"),
    ],
)
def test_a_picture_that_cannot_be_read_is_quoted(
    search: Search, stage: Stage, image: str, told: str
) -> None:
    result = search("--image", image)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
    assert stage.query_client.asked == []


def test_a_url_goes_to_the_worker(search: Search, stage: Stage) -> None:
    assert search("--image", "https://h.example/x.jpg").exit_code == 0
    assert stage.query_client.asked == [("builtin", Query("url", b"https://h.example/x.jpg"))]


def test_an_item_leaves_itself_out(search: Search) -> None:
    result = search("--item", "shirt", "--json")
    assert [hit["item_id"] for hit in json.loads(result.stdout)["hits"]] == ["bag"]


def test_words_are_asked(search: Search, stage: Stage) -> None:
    assert search("--text", "red", "--exact").exit_code == 0
    assert stage.query_client.asked == [("builtin", Query("text", b"red"))]


def test_a_catalog_s_markup_is_shown_as_it_is(search: Search) -> None:
    assert "[bold]Bag" in search("--item", "shirt").stdout


def test_nothing_found_is_said(search: Search) -> None:
    result = search("--text", "red", "--filter", '{"colour": "green"}')
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No results" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--image, --item, --text or --like"),
        (("--unlike", "bag"), "--image, --item, --text or --like"),
        (("--item", "a", "--image", "b.jpg"), "not both"),
    ],
    ids=["nothing", "nothing to be like", "two pictures"],
)
def test_a_question_is_asked_for(search: Search, arguments: tuple[str, ...], told: str) -> None:
    result = search(*arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


def test_a_picture_and_words_and_examples_are_asked_together(
    search: Search, stage: Stage, tmp_path: Path
) -> None:
    picture = tmp_path / "shirt.jpg"
    picture.write_bytes(b"shirt")
    result = search(
        "--image", str(picture), "--text", "red", "--text-weight", "0.5", "--unlike", "bag", "--json"
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert stage.query_client.asked == [
        ("builtin", Query("image", b"shirt")),
        ("builtin", Query("text", b"red")),
    ]
    answer = json.loads(result.stdout)
    assert [hit["item_id"] for hit in answer["hits"]] == ["shirt"]
    assert answer["query"]["described"] == (
        "the uploaded picture and the words, away from the item bag"
    )


def test_more_like_an_item_is_a_question(search: Search) -> None:
    result = search("--like", "shirt", "--json")
    assert [hit["item_id"] for hit in json.loads(result.stdout)["hits"]] == ["bag"]


def test_items_with_the_same_picture_are_counted(search: Search, stage: Stage) -> None:
    put(stage.store, "summer", ("shirt again", 0, b"shirt", {}), ("and again", 0, b"shirt", {}))
    result = search("--item", "bag", "--group-duplicates")
    assert "(+2 similar)" in result.stdout
    assert result.stdout.count("shop.example") == 1


def test_only_what_stands_out_may_be_asked_for(search: Search, stage: Stage) -> None:
    for number in range(40):
        put(stage.store, "summer", (f"item-{number}", 0, b"%d" % number, {}))
    result = search("--item", "bag", "--top", "100", "--relevant", "--json")
    kept = json.loads(result.stdout)
    assert 0 < len(kept["hits"]) < 20
    assert all(hit["score"] >= kept["relevance"]["cut"] for hit in kept["hits"])


def test_a_page_says_where_the_next_one_begins(search: Search) -> None:
    first = search("--text", "red", "--top", "1")
    assert "--offset 1" in first.stderr
    second = search("--text", "red", "--top", "1", "--offset", "1", "--json")
    answer = json.loads(second.stdout)
    assert [hit["rank"] for hit in answer["hits"]] == [2]
    assert answer["next_offset"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--text", "x", "--filter", "{"), "not JSON"),
        (("--text", "x", "--filter", '{"price": {"near": 3}}'), "price"),
        (("--text", "x", "--filter", "[]"), "filter"),
        (("--image", "/no/such/picture.jpg"), "'/no/such/picture.jpg' cannot be read"),
        (("--image", "."), "cannot be read"),
        (("--item", "hat"), "no item hat"),
        (("--text", "x", "--collection", "winter"), "These exist: summer"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    search: Search, arguments: tuple[str, ...], told: str
) -> None:
    result = search(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


def test_what_could_not_be_asked_is_exit_code_1(search: Search, stage: Stage) -> None:
    stage.query_client.failure = LedgerUnavailable("Redis does not answer.", hint="Start it.")
    result = search("--text", "x")
    assert result.exit_code == 1
    assert "Redis does not answer." in result.stderr
    assert "Start it." in result.stderr


def test_no_worker_says_how_to_start_one(search: Search, stage: Stage) -> None:
    stage.query_client.crew = []
    result = search("--text", "x")
    assert result.exit_code == 1
    assert "vitrine worker --model builtin" in result.stderr


def test_a_full_api_is_exit_code_1(search: Search, stage: Stage) -> None:
    stage.app.state.admission = Admission(0)
    result = search("--text", "x")
    assert result.exit_code == 1
    assert "in progress" in result.stderr


def test_a_refusal_of_the_store_is_exit_code_1(
    search: Search, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreRejected("The store refused the search.")

    monkeypatch.setattr(stage.store, "search", refuse)
    assert search("--item", "shirt").exit_code == 1


def test_a_fault_of_the_api_shows_no_traceback(
    search: Search, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(stage.store, "search", broken)
    result = search("--item", "shirt")
    assert result.exit_code == 1
    assert "Something went wrong" in result.stderr


def test_no_api_says_how_to_start_one(search: Search) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = search("--text", "x", "--api", f"http://user:secret@127.0.0.1:{port}")
    assert result.exit_code == 1
    assert "vitrine standalone" in result.stderr
    assert "secret" not in result.output


@pytest.mark.parametrize("address", ["nonsense", "ftp://h", "http://"])
def test_an_address_that_is_none_is_bad_input(search: Search, address: str) -> None:
    assert search("--text", "x", "--api", address).exit_code == 2


@pytest.fixture
def stranger() -> Iterator[Callable[[int, bytes], str]]:
    """Start a server that returns this status and body for every POST; return its URL."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep requests out of the test's stderr."""

        servers.append(HTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html>hello</html>", "not vitrine's API"),
        (200, b'{"answer": 42}', "not vitrine's API"),
        (502, b"<html>bad gateway</html>", "answered 502"),
        (302, b"", "answered 302"),
    ],
)
def test_something_else_at_the_address_is_told_apart(
    search: Search, stranger: Callable[[int, bytes], str], status: int, body: bytes, told: str
) -> None:
    result = search("--text", "x", "--api", stranger(status, body))
    assert result.exit_code == 1
    assert told in result.stderr
