"""Shell completion: which values are offered, and that an unreachable service offers none without an error."""

from __future__ import annotations

from typing import Any

import click
import pytest

from vitrine.cli.commands import COMMANDS, load_command
from vitrine.cli.common import completion

NOTHING: Any = None


def values(items: list[Any]) -> list[str]:
    return [item.value for item in items]


def test_models_are_completed_by_their_beginning() -> None:
    found = values(completion.complete_models(NOTHING, NOTHING, "google/siglip2-base"))
    assert "google/siglip2-base-patch16-224" in found
    assert all(name.startswith("google/siglip2-base") for name in found)


def test_directories_of_models_are_completed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert values(completion.complete_models(NOTHING, NOTHING, "./")) == ["./mine"]


def test_a_service_that_is_away_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VITRINE_QDRANT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("VITRINE_API_URL", "http://127.0.0.1:1")
    assert completion.complete_jobs(NOTHING, NOTHING, "") == []
    assert completion.complete_collections(NOTHING, NOTHING, "") == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_job_collection_and_model_option_completes(name: str) -> None:
    command = load_command(name, COMMANDS[name])
    for parameter in command.params:
        if parameter.name in {"job", "collection", "model", "against"}:
            assert isinstance(parameter, click.Parameter)
            assert parameter._custom_shell_complete is not None, parameter.name
