"""The environment is created once: the stamp records what is installed, and from which inputs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import setup
from scripts.interpreters import Interpreter, SetupError
from scripts.setup import INPUTS, Environment, check_platform, main, make_folder, pip

HERE = Interpreter(sys.executable, f"{sys.version_info.major}.{sys.version_info.minor}", True)


@pytest.fixture
def checkout(tmp_path: Path) -> Environment:
    """A folder with the files that decide what is installed, and an environment that runs."""
    for name in INPUTS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("as it was\n", encoding="utf-8")
    environment = Environment(str(tmp_path))
    Path(environment.folder, "bin").mkdir(parents=True)
    Path(environment.python).symlink_to(sys.executable)
    return environment


def test_nothing_is_held_before_the_stamp(checkout: Environment) -> None:
    assert not checkout.holds("demo", checkout.digest(HERE))


@pytest.mark.parametrize(
    ("installed", "wanted", "held"),
    [("demo", "demo", True), ("test", "test", True), ("test", "demo", True), ("demo", "test", False)],
)  # fmt: skip
def test_what_is_installed_serves_what_needs_no_more(
    checkout: Environment, installed: str, wanted: str, held: bool
) -> None:
    digest = checkout.digest(HERE)
    checkout.write_stamp(installed, digest)
    assert checkout.holds(wanted, digest) is held


@pytest.mark.parametrize("name", INPUTS)
def test_a_changed_input_is_installed_again(checkout: Environment, name: str) -> None:
    checkout.write_stamp("test", checkout.digest(HERE))
    Path(checkout.root, name).write_text("as it is now\n", encoding="utf-8")
    assert not checkout.holds("test", checkout.digest(HERE))


def test_another_python_is_another_environment(checkout: Environment) -> None:
    newer = Interpreter("python3.99", "3.99", True)
    assert checkout.digest(newer) != checkout.digest(HERE)


def test_a_moved_checkout_is_installed_again(checkout: Environment) -> None:
    before = checkout.digest(HERE)
    moved = f"{checkout.root}-moved"
    Path(checkout.root).rename(moved)
    assert Environment(moved).digest(HERE) != before


def test_an_environment_whose_python_is_gone_does_not_count(checkout: Environment) -> None:
    digest = checkout.digest(HERE)
    checkout.write_stamp("test", digest)
    Path(checkout.python).unlink()
    assert not checkout.holds("test", digest)


def test_an_environment_of_another_python_is_made_anew(checkout: Environment) -> None:
    left_over = Path(checkout.folder, "left-over")
    left_over.touch()
    Path(checkout.python).unlink()
    Path(checkout.python).write_text("#!/bin/sh\necho 3.10\necho True\n", encoding="ascii")
    Path(checkout.python).chmod(0o755)
    without_pip = Interpreter(fake_venv(Path(checkout.root)), "3.13", True)
    make_folder(checkout, without_pip)
    assert not left_over.exists()
    assert Path(checkout.folder, "made").is_file()


def fake_venv(folder: Path) -> str:
    """Write a Python whose `-m venv FOLDER` creates a marker file there."""
    program = folder / "python3.13"
    program.write_text('#!/bin/sh\nmkdir -p "$3" && touch "$3/made"\n', encoding="ascii")
    program.chmod(0o755)
    return str(program)


def test_an_environment_of_this_python_is_kept(checkout: Environment) -> None:
    kept = Path(checkout.folder, "kept")
    kept.touch()
    make_folder(checkout, HERE)
    assert kept.exists()


def test_a_pip_that_fails_says_how_to_go_on(
    checkout: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1)
    )
    with pytest.raises(SetupError, match="same command again to resume"):
        pip(checkout, "anything")


def test_an_intel_mac_is_refused_before_the_installation() -> None:
    with pytest.raises(SetupError, match="Intel Macs"):
        check_platform("Darwin", "x86_64")
    check_platform("Darwin", "arm64")
    check_platform("Linux", "x86_64")


def test_the_command_tells_errors_on_stderr_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SetupError("No disk.")

    monkeypatch.setattr(setup, "prepare", refuse)
    assert main(["demo"]) == 1
    assert main(["holiday"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "setup: No disk." in told.err
    assert "demo or test" in told.err
