"""`vitrine settings`: values and their sources, without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vitrine.cli import main
from vitrine.core.settings import Settings

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No running service, and no user configuration from this machine."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("VITRINE_CONFIG", raising=False)


def rows(*arguments: str) -> dict[str, dict[str, Any]]:
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in json.loads(result.stdout)}


def test_every_setting_is_shown_with_its_default() -> None:
    found = rows("settings")
    assert set(found) == {f"VITRINE_{name.upper()}" for name in Settings.model_fields}
    assert found["VITRINE_MODEL"] == {
        "name": "VITRINE_MODEL", "value": "builtin", "default": "builtin", "source": "default",
    }  # fmt: skip


def test_each_source_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text('device = "cpu"\nmodel = "a"\n')
    monkeypatch.setenv("VITRINE_MODEL", "b")
    # `--config` sets it for the process; monkeypatch restores it after the test.
    monkeypatch.setenv("VITRINE_CONFIG", "")
    found = rows("--config", str(config), "settings", "--changed")
    assert (found["VITRINE_MODEL"]["value"], found["VITRINE_MODEL"]["source"]) == (
        "b",
        "environment",
    )
    assert (found["VITRINE_DEVICE"]["value"], found["VITRINE_DEVICE"]["source"]) == (
        "cpu",
        str(config),
    )


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_REDIS_URL", f"redis://:{SECRET}@redis:6379/0")
    monkeypatch.setenv("VITRINE_API_KEY", SECRET)
    for arguments in (["settings"], ["settings", "--json"]):
        assert SECRET not in CliRunner().invoke(main, arguments).output
    assert rows("settings", "api_key")["VITRINE_API_KEY"]["value"] == "(set, hidden)"


def test_a_word_selects() -> None:
    assert all("FETCH" in name for name in rows("settings", "fetch"))
    assert "No setting matches" in CliRunner().invoke(main, ["settings", "zebra"]).stderr
