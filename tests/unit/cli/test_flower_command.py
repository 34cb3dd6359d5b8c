from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from vitrine import broker
from vitrine.cli import main


class App:
    """Takes the command line that Flower would get."""

    def __init__(self) -> None:
        self.started: list[list[str]] = []

    def start(self, arguments: list[str]) -> None:
        self.started.append(arguments)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    made = App()
    monkeypatch.setattr(broker, "make_app", lambda _settings: made)
    monkeypatch.delenv("FLOWER_BASIC_AUTH", raising=False)
    return made


def run(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(main, ["flower", *arguments], env=environment)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "flower.example"])
@pytest.mark.parametrize("auth", ["", "name", ":", "name:", ":word", "name:word,", "name:a,b"])
def test_beyond_this_machine_it_needs_name_and_password(app: App, host: str, auth: str) -> None:
    result = run("--host", host, FLOWER_BASIC_AUTH=auth)
    assert result.exit_code == 2
    assert "would stand open" in result.stderr
    assert app.started == []


def test_with_a_password_it_listens_anywhere(app: App) -> None:
    assert run("--host", "0.0.0.0", FLOWER_BASIC_AUTH="name:word").exit_code == 0
    (arguments,) = app.started
    assert "--address=0.0.0.0" in arguments
    # The password stays in the environment, where no process list shows it.
    assert not any("word" in argument for argument in arguments)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_it_may_stand_without(app: App, host: str) -> None:
    assert run("--host", host).exit_code == 0
    assert len(app.started) == 1
