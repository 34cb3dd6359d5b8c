"""The command group: lazy commands, and every error as one sentence with its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vitrine import __version__
from vitrine.cli import commands as group
from vitrine.cli import main
from vitrine.cli.common import services
from vitrine.core.errors import LedgerUnavailable


def test_every_command_has_a_summary() -> None:
    assert list(group.SUMMARIES) == list(group.COMMANDS)


@pytest.mark.parametrize("name", ["submit", "jobs", "status", "failures", "retry", "cancel"])
def test_a_summary_is_what_the_commands_own_help_begins_with(name: str) -> None:
    command = group.load_command(name, group.COMMANDS[name])
    assert command.help is not None
    assert command.help.splitlines()[0] == group.SUMMARIES[name]
    assert command.name == name


def test_help_and_version_work_by_their_short_names() -> None:
    assert all(name in CliRunner().invoke(main, ["-h"]).output for name in group.COMMANDS)
    assert CliRunner().invoke(main, ["--version"]).output == f"vitrine, version {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from vitrine.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'celery', 'redis', 'rich', 'pydantic', 'numpy', 'torch', 'fastapi', 'PIL', 'pyarrow'}\n"
        "sys.exit(' '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dry_run_imports_neither_models_nor_queue(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("id,image\n1,http://h/1\n")
    code = (
        "import sys\n"
        "from vitrine.cli import main\n"
        f"main(['submit', {str(path)!r}, '--dry-run'], standalone_mode=False)\n"
        "heavy = {'celery', 'redis', 'torch', 'fastapi', 'PIL', 'pyarrow', 'qdrant_client', 'numpy'}\n"
        "sys.exit(' '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_whose_module_is_absent_is_a_usage_error() -> None:
    with pytest.raises(click.UsageError, match="no command 'x'"):
        group.load_command("x", "vitrine.cli.absent_command:x")


def test_a_command_that_needs_an_absent_package_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy_command.py").write_text("import absent_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(click.UsageError, match="needs absent_package"):
        group.load_command("needy", "needy_command:needy")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (LedgerUnavailable("Redis does not answer.", hint="Start it."), 1, "Error: Redis does not"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (
            RuntimeError("redis://user:secret@h"),
            1,
            "(RuntimeError); run again with VITRINE_DEBUG=1",
        ),
    ],
)
def test_errors_are_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.delenv("VITRINE_DEBUG", raising=False)
    monkeypatch.setattr(services, "load_settings", broken)
    result = CliRunner().invoke(main, ["jobs"])
    assert result.exit_code == code
    assert told in result.stderr
    assert "secret" not in result.output
    assert "Traceback" not in result.output


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("seen")

    monkeypatch.setenv("VITRINE_DEBUG", "1")
    monkeypatch.setattr(services, "load_settings", broken)
    with pytest.raises(RuntimeError, match="seen"):
        CliRunner().invoke(main, ["jobs"], catch_exceptions=False)


def test_a_mistyped_command_is_told_the_nearest() -> None:
    result = CliRunner().invoke(main, ["sumbit"])
    assert (result.exit_code, "Did you mean 'submit'?" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status", "a1", "--json"], "ledger_unavailable"),
        (["status", "--json"], "usage"),
        (["statsu", "--json"], "usage"),
    ],
)
def test_with_json_an_error_is_one_object_on_stderr(
    arguments: list[str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://127.0.0.1:1/0")
    result = CliRunner().invoke(main, arguments)
    (line,) = result.stderr.splitlines()
    error = json.loads(line)["error"]
    assert (error["code"], error["exit_code"]) == (code, result.exit_code)
    assert result.stdout == ""
