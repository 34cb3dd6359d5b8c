"""Every command has examples, and the command accepts each of them."""

from __future__ import annotations

import copy
import shlex

import click
import pytest
from click.testing import CliRunner

from vitrine.cli import commands, main
from vitrine.cli.examples import EXAMPLES


def test_every_command_has_examples() -> None:
    assert list(EXAMPLES) == list(commands.COMMANDS)


@pytest.mark.parametrize("example", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_one_that_the_command_takes(
    example: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    program, *arguments = shlex.split(example)
    assert program == "vitrine"
    if arguments[0] == "--config":
        arguments = arguments[2:]
    name, *rest = arguments
    command = copy.deepcopy(commands.load_command(name, commands.COMMANDS[name]))
    if isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type = click.STRING  # the files would be the reader's
    assert command.make_context(name, rest).params


def test_help_ends_with_them() -> None:
    shown = CliRunner().invoke(main, ["submit", "--help"]).output
    assert "Examples:\n    vitrine submit catalog.csv --collection shop --dry-run\n" in shown
