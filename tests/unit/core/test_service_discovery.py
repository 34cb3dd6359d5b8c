from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from vitrine.core.load_settings import load
from vitrine.core.service_discovery import announce, discover, runtime_file, withdraw
from vitrine.core.settings import Settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "QDRANT_URL", "STORE_TOKEN", "API_URL", "MODEL", "DATA_DIR"):
        monkeypatch.delenv(f"VITRINE_{name}", raising=False)


def running(data_dir: Path) -> Settings:
    return Settings(
        data_dir=data_dir,
        redis_url=SecretStr("redis://:hidden@127.0.0.1:7001/0"),
        qdrant_url=SecretStr("edge+http://127.0.0.1:7002"),
        store_token=SecretStr("token-of-sixteen"),
        api_url="http://127.0.0.1:7003",
        model="dinov2",
    )


def test_commands_find_the_service_that_runs_on_their_data(tmp_path: Path) -> None:
    announce(running(tmp_path))
    found = discover(load(data_dir=tmp_path))
    assert found.redis_url.get_secret_value() == "redis://:hidden@127.0.0.1:7001/0"
    assert found.store_token is not None
    assert found.store_token.get_secret_value() == "token-of-sixteen"
    assert (found.api_url, found.model) == ("http://127.0.0.1:7003", "dinov2")
    assert "hidden" not in repr(found)
    assert stat.S_IMODE(runtime_file(tmp_path).stat().st_mode) == 0o600


def test_what_was_named_explicitly_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(running(tmp_path))
    assert discover(load(data_dir=tmp_path, model="siglip")).model == "siglip"
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://elsewhere:6379/0")
    named = discover(load(data_dir=tmp_path))
    assert named.redis_url.get_secret_value() == "redis://elsewhere:6379/0"
    assert named.store_token is None


@pytest.mark.parametrize("content", [None, b"", b"{not json"])
def test_without_a_service_the_settings_stay_as_they_are(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        runtime_file(tmp_path).write_bytes(content)
    settings = load(data_dir=tmp_path)
    assert discover(settings) == settings


def test_a_service_that_ended_is_not_found(tmp_path: Path) -> None:
    announce(running(tmp_path))
    withdraw(tmp_path)
    withdraw(tmp_path)
    settings = load(data_dir=tmp_path)
    assert discover(settings) == settings
