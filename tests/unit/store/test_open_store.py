"""Which store a URL opens; a URL of no known form is refused without being shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from vitrine.core.errors import BadInput, StoreUnavailable
from vitrine.core.settings import Settings
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.open import open_store
from vitrine.store.qdrant.store import QdrantServerStore
from vitrine.store.remote.store import RemoteStore


def settings(url: str, **more: object) -> Settings:
    return Settings(qdrant_url=SecretStr(url), **more)  # type: ignore[arg-type]  # as a caller gives them


@pytest.mark.parametrize("url", ["http://127.0.0.1:6333", "https://qdrant.example"])
def test_http_is_a_qdrant_server(url: str) -> None:
    store = open_store(settings(url, qdrant_api_key=SecretStr("key")))
    assert isinstance(store, QdrantServerStore)
    store.close()


def test_edge_http_is_a_store_process() -> None:
    store = open_store(settings("edge+http://127.0.0.1:1", store_token=SecretStr("x" * 16)))
    assert isinstance(store, RemoteStore)
    with pytest.raises(StoreUnavailable, match="does not respond"):
        store.ping()
    store.close()


def test_a_store_process_needs_its_token() -> None:
    with pytest.raises(BadInput, match="VITRINE_STORE_TOKEN"):
        open_store(settings("edge+http://127.0.0.1:1"))


def test_edge_is_a_directory_in_this_process(tmp_path: Path) -> None:
    store = open_store(settings(f"edge://{tmp_path}/store"))
    assert isinstance(store, EmbeddedStore)
    store.close()
    assert (tmp_path / "store").is_dir()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6333",
        "redis://user:secret@host",
        "http://",
        "edge://relative/path",
        "edge+http:///no-host",
        "grpc://user:secret@host:6334",
        "http://user:secret@host:port",
        "http://[::1",
    ],
)
def test_a_url_of_no_known_form_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(BadInput, match="VITRINE_QDRANT_URL is") as refusal:
        open_store(settings(url))
    assert "secret" not in str(refusal.value)
