from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from vitrine.cli import main
from vitrine.core.api_keys import Scope, read_keyring
from vitrine.core.settings import Settings


def test_a_new_key_and_its_entry_fit_each_other() -> None:
    arguments = ["keys", "new", "shop", "--scope", "read", "--scope", "submit", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    found = read_keyring(Settings(api_keys=SecretStr(told["entry"]))).find(told["key"])
    assert found is not None
    assert found.name == "shop"
    assert found.scopes == {Scope.READ, Scope.SUBMIT}


def test_for_people_each_stands_on_a_line_and_the_key_only_once() -> None:
    result = CliRunner().invoke(main, ["keys", "new", "shop", "--scope", "admin"])
    (label, key), (other, entry) = (line.split() for line in result.stdout.splitlines())
    assert (label, other) == ("key", "entry")
    assert result.output.count(key) == 1
    assert entry.startswith("shop:admin:")
    assert "VITRINE_API_KEYS" in result.stderr


@pytest.mark.parametrize(
    "arguments", [("new", "shop"), ("new", "shop", "--scope", "write"), ("new", "A b", "--scope", "read")]
)  # fmt: skip
def test_what_cannot_be_a_key_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, ["keys", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
