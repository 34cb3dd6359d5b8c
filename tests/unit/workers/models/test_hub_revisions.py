"""Which revision of a hub's model is opened: the pinned one, the requested one, or the newest."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import huggingface_hub.constants
import pytest

from vitrine.core.errors import BadInput, ModelUnavailable
from vitrine.core.model_registry import find_model_card
from workers.models import hub

TinyModel: TypeAlias = Callable[[str], Path]
PINNED = "openai/clip-vit-large-patch14"
NEWEST = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def pin() -> str:
    card = find_model_card(PINNED)
    assert card is not None
    assert card.revision is not None
    return card.revision


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Hub(BaseHTTPRequestHandler):
    """A hub with the models in `known` (id to revisions), which records its requests."""

    known: dict[str, set[str]]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        _, _, given = self.path.partition("/api/models/")
        model, _, revision = given.partition("/revision/")
        if model not in self.known:
            self._answer(404, {"error": "no"}, "RepoNotFound")
        elif revision and revision not in self.known[model]:
            self._answer(404, {"error": "no"}, "RevisionNotFound")
        else:
            self._answer(200, {"id": model, "sha": revision or NEWEST, "siblings": []})

    def _answer(self, status: int, body: dict[str, Any], code: str = "") -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    handler = type("OneHub", (Hub,), {"known": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        yield handler
        server.shutdown()
        thread.join()


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    # A port where nothing listens, so connections are refused immediately.
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str | None]]:
    """The model and revision of each would-be download."""
    asked: list[tuple[str, str | None]] = []

    def download(model: str, *, revision: str | None, **_: object) -> str:
        asked.append((model, revision))
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", download)
    return asked


@pytest.mark.usefixtures("cache")
def test_a_listed_model_is_opened_at_its_pin(
    answering: type[Hub], downloads: list[tuple[str, str | None]], pin: str
) -> None:
    answering.known[PINNED] = {pin}
    hub.download(PINNED)
    assert downloads == [(PINNED, pin)]


@pytest.mark.usefixtures("cache")
def test_another_revision_may_be_asked_for(
    answering: type[Hub], downloads: list[tuple[str, str | None]]
) -> None:
    answering.known[PINNED] = {"v2"}
    hub.download(f"{PINNED}@v2")
    assert downloads == [(PINNED, "v2")]


@pytest.mark.usefixtures("cache")
def test_an_unlisted_model_is_opened_at_the_commit_that_is_newest_now(
    answering: type[Hub], downloads: list[tuple[str, str | None]]
) -> None:
    answering.known["shop/own"] = set()
    hub.download("shop/own")
    assert downloads == [("shop/own", NEWEST)]


@pytest.mark.usefixtures("cache")
def test_a_revision_that_the_hub_does_not_have_is_named(answering: type[Hub]) -> None:
    answering.known[PINNED] = set()
    with pytest.raises(BadInput, match="no revision nowhere of openai/clip") as caught:
        hub.download(f"{PINNED}@nowhere")
    assert f"{PINNED}@main" in str(caught.value)


@pytest.mark.usefixtures("cache", "answering")
def test_a_model_that_the_hub_does_not_have_is_named() -> None:
    with pytest.raises(BadInput, match="has no 'shop/nothing'"):
        hub.download("shop/nothing@v1")


@pytest.mark.usefixtures("unreachable")
def test_the_pinned_revision_is_found_in_the_cache(
    tiny_model: TinyModel, cache: Path, pin: str
) -> None:
    folder = cache / f"models--{PINNED.replace('/', '--')}" / "snapshots" / pin
    shutil.copytree(tiny_model("clip"), folder)
    assert hub.download(PINNED) == folder


@pytest.mark.usefixtures("unreachable")
def test_another_revision_in_the_cache_is_not_taken_for_the_pinned_one(
    tiny_model: TinyModel, cache: Path
) -> None:
    model = cache / f"models--{PINNED.replace('/', '--')}"
    shutil.copytree(tiny_model("clip"), model / "snapshots" / NEWEST)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(NEWEST)
    with pytest.raises(ModelUnavailable, match="not in its cache"):
        hub.download(PINNED)
    assert hub.download(f"{PINNED}@main") == model / "snapshots" / NEWEST


def test_a_listed_models_last_part_alone_is_answered_with_its_id() -> None:
    with pytest.raises(BadInput, match="There is no directory siglip2-base-patch16-224") as caught:
        hub.download("siglip2-base-patch16-224")
    assert "google/siglip2-base-patch16-224" in str(caught.value)
