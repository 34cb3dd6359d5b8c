from __future__ import annotations

import os
from typing import Any

import pytest
from click.testing import CliRunner

from vitrine.cli import main
from vitrine.messaging import broker


class App:
    """Stands in for the Celery app and records the arguments meant for Flower."""

    def __init__(self) -> None:
        self.started: list[list[str]] = []

    def start(self, arguments: list[str]) -> None:
        self.started.append(arguments)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    made = App()
    monkeypatch.setattr(broker, "make_app", lambda _settings: made)
    # Set it first, so that monkeypatch also undoes what the command sets.
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "")
    monkeypatch.delenv("FLOWER_BASIC_AUTH")
    return made


def run(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(main, ["flower", *arguments], env=environment)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "flower.example"])
@pytest.mark.parametrize("auth", ["", "name", ":", "name:", ":word", "name:word,", "name:a,b"])
def test_beyond_this_machine_it_needs_name_and_password(app: App, host: str, auth: str) -> None:
    result = run("--host", host, FLOWER_BASIC_AUTH=auth)
    assert result.exit_code == 2
    assert "would be open to everyone" in result.stderr
    assert app.started == []


def test_with_a_password_it_listens_anywhere(app: App) -> None:
    assert run("--host", "0.0.0.0", FLOWER_BASIC_AUTH="name:word").exit_code == 0
    (arguments,) = app.started
    assert "--address=0.0.0.0" in arguments
    # The password stays in the environment, where process lists do not show it.
    assert not any("word" in argument for argument in arguments)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_it_makes_a_password_of_its_own_and_tells_it_once(app: App, host: str) -> None:
    result = run("--host", host)
    assert result.exit_code == 0
    (arguments,) = app.started
    name, _, password = os.environ["FLOWER_BASIC_AUTH"].partition(":")
    assert name == "vitrine"
    assert len(password) == 16
    assert result.stderr.count(password) == 1
    assert not any(password in argument for argument in arguments)


def test_each_run_has_another_password(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made = set()
    for _ in range(3):
        assert run().exit_code == 0
        made.add(os.environ["FLOWER_BASIC_AUTH"])
        monkeypatch.delenv("FLOWER_BASIC_AUTH")
    assert len(made) == len(app.started) == 3


@pytest.mark.parametrize("auth", ["name", ":", "name:", ":word", "name:word,"])
def test_a_password_that_is_none_is_refused_on_loopback_too(app: App, auth: str) -> None:
    result = run(FLOWER_BASIC_AUTH=auth)
    assert result.exit_code == 2
    assert app.started == []


def test_it_runs_no_configuration_of_the_working_directory_but_one_that_is_named(app: App) -> None:
    assert run().exit_code == 0
    assert run(FLOWER_CONF="mine.py").exit_code == 0
    found, named = app.started
    assert f"--conf={os.devnull}" in found
    assert not any(argument.startswith("--conf") for argument in named)
