"""Celery imports nothing from the working directory, neither by name nor while it loads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from celery.loaders.base import BaseLoader

from tests.traps import set_traps, sprung
from vitrine.core.settings import Settings
from vitrine.messaging.broker import make_app


@pytest.fixture
def loader() -> BaseLoader:
    made: BaseLoader = make_app(Settings).loader
    return made


@pytest.mark.parametrize("by", ["import_from_cwd", "find_module", "import_task_module"])
def test_a_module_of_the_working_directory_is_not_found(
    loader: BaseLoader, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_traps(tmp_path, "a_trap.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    with pytest.raises(ModuleNotFoundError, match="a_trap"):
        getattr(loader, by)("a_trap")
    assert not sprung(tmp_path)


def test_what_is_installed_is_found(loader: BaseLoader) -> None:
    assert loader.import_from_cwd("json.decoder").__name__ == "json.decoder"
    assert loader.find_module("json") is sys.modules["json"]
