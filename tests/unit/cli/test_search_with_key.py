"""`vitrine search` against an API that requires keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from click.testing import CliRunner, Result

from tests.http_server import served
from tests.unit.api.api_fixture import make_stage, put
from vitrine.cli import main
from vitrine.core.api_keys import Keyring, Scope, new_key
from vitrine.core.settings import Settings

Search: TypeAlias = Callable[[str], Result]

READ, KEPT_READ = new_key("reader", [Scope.READ])
SUBMIT, KEPT_SUBMIT = new_key("feeder", [Scope.SUBMIT])


@pytest.fixture
def url() -> Iterator[str]:
    """The API over in-memory parts with two keys, each limited to two requests."""
    settings = Settings(api_rate=0.001, api_burst=2)
    stage = make_stage(settings, Keyring([KEPT_READ, KEPT_SUBMIT]))
    put(stage.store, "summer", ("shirt", 0, b"shirt", {}), ("bag", 0, b"bag", {}))
    with served(stage.app, settings) as address:
        yield address


@pytest.fixture
def search(url: str, tmp_path: Path) -> Search:
    """`vitrine search` with a key in the environment."""

    def run(key: str) -> Result:
        environment = {"VITRINE_DATA_DIR": str(tmp_path), "VITRINE_API_KEY": key}
        arguments = ["search", "--collection", "summer", "--item", "bag", "--api", url]
        return CliRunner().invoke(main, arguments, env=environment)

    return run


def test_the_key_of_the_environment_is_sent(search: Search) -> None:
    result = search(READ)
    assert result.exit_code == 0, result.output
    assert "shirt" in result.stdout


def test_a_netrc_for_the_host_does_not_take_its_place(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    # Treat it as an API beyond loopback: only there does `requests` read the environment.
    monkeypatch.setattr("vitrine.client._LOOPBACK", ("nowhere",))
    assert search(READ).exit_code == 0


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "VITRINE_API_KEY"),
        ("unknown", "not valid here"),
        (SUBMIT, "lacks the scope read"),
    ],
    ids=["none", "unknown", "without the scope"],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(search: Search, key: str, told: str) -> None:
    result = search(key)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not key or key not in result.output


def test_asking_too_often_is_exit_code_1(search: Search) -> None:
    assert [search(READ).exit_code for _ in range(3)] == [0, 0, 1]
