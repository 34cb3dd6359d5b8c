"""Store options are one value: read from the settings in one place, and passed on as a whole."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import pytest
from pydantic import SecretStr

from vitrine.core.settings import Settings
from vitrine.core.store_options import DEFAULTS, StoreOptions
from vitrine.store.open import open_store


def test_every_option_is_a_setting_with_the_same_default() -> None:
    assert StoreOptions.from_settings(Settings()) == DEFAULTS


def test_every_option_is_read_from_its_setting() -> None:
    given = {"index_points": 7, "index_deferred": False, "index_timeout": 1.5, "store_timeout": 3}
    assert set(given) == {field.name for field in fields(StoreOptions)}
    assert asdict(StoreOptions.from_settings(Settings.model_validate(given))) == given


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "edge://{path}"])
def test_a_store_is_opened_with_all_of_them(url: str, tmp_path: Path) -> None:
    where = SecretStr(url.format(path=tmp_path / "store"))
    store = open_store(Settings(qdrant_url=where, index_points=9, store_timeout=4))
    assert vars(store)["_options"] == StoreOptions(index_points=9, store_timeout=4)
    store.close()
