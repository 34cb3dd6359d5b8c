"""Store options are one value: read from the settings in one place, and passed on as a whole."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from vitrine.cli.store import store as store_command
from vitrine.core.errors import StoreUnavailable
from vitrine.core.settings import Settings
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.ledger.journaled import JournaledLedger
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.store.embedded.store import EmbeddedStore
from vitrine.store.open import open_store
from vitrine.store.remote.server import serve
from vitrine.testing.memory_services import memory_services

GIVEN = {"index_points": 7, "index_deferred": False, "index_timeout": 1.5, "store_timeout": 3}
OPTIONS = StoreOptions(7, index_deferred=False, index_timeout=1.5, store_timeout=3)
TOKEN = "t" * 16


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({**GIVEN, "data_dir": tmp_path})


def test_every_option_is_a_setting_with_the_same_default() -> None:
    assert StoreOptions.from_settings(Settings()) == DEFAULTS


def test_every_option_is_read_from_its_setting(settings: Settings) -> None:
    assert set(GIVEN) == {field.name for field in fields(StoreOptions)}
    assert not GIVEN.items() & asdict(DEFAULTS).items()
    assert StoreOptions.from_settings(settings) == OPTIONS


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "edge://{path}"])
def test_a_store_is_opened_with_all_of_them(url: str, settings: Settings, tmp_path: Path) -> None:
    where = SecretStr(url.format(path=tmp_path / "store"))
    with closing(open_store(settings.model_copy(update={"qdrant_url": where}))) as store:
        assert vars(store)["_options"] == OPTIONS


def test_the_embedded_store_decides_by_them_when_to_build(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, options=OPTIONS)) as store:
        assert store._upkeep.schedule._options == OPTIONS


def test_the_store_process_serves_a_store_with_all_of_them(tmp_path: Path) -> None:
    server = serve(tmp_path, "127.0.0.1", 0, TOKEN, options=OPTIONS)
    assert vars(server._store)["_options"] == OPTIONS
    server.shutdown()


def test_the_store_command_reads_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[StoreOptions] = []

    def refuse(*_: Any, options: StoreOptions) -> NoReturn:
        seen.append(options)
        raise StoreUnavailable("Seen enough.")

    monkeypatch.setattr("vitrine.store.remote.server.serve", refuse)
    for name, value in {**GIVEN, "store_token": TOKEN}.items():
        monkeypatch.setenv(f"VITRINE_{name.upper()}", str(value))
    CliRunner().invoke(store_command, ["--path", str(tmp_path)])
    assert seen == [OPTIONS]


@pytest.mark.parametrize("kind", [RedisLedger, JournaledLedger])
def test_a_ledger_is_opened_with_all_of_them(kind: type[RedisLedger], settings: Settings) -> None:
    with closing(kind.from_settings(settings)) as ledger:
        assert ledger._options == OPTIONS


def test_the_parts_in_memory_have_all_of_them(settings: Settings) -> None:
    services = memory_services(settings)
    assert vars(services.store)["_options"] == OPTIONS
    assert vars(services.ledger)["_options"] == OPTIONS
