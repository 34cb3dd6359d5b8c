"""Choosing a Python: one that runs, is supported, and can create an environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import interpreters
from scripts.interpreters import SetupError, choose, installed, probe


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and a running Python that is not supported."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreters, "running", lambda: str(tmp_path / "running"))
    return tmp_path


def put(folder: Path, name: str, version: str, *, has_venv: bool = True) -> None:
    """Write a fake Python that answers the probe."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {version}\necho {has_venv}\n", encoding="ascii")
    program.chmod(0o755)


def test_the_python_that_runs_this_answers_the_probe() -> None:
    found = probe(interpreters.running())
    assert found is not None
    assert found.version == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_running_python_comes_before_a_newer_one(path: Path) -> None:
    put(path, "running", "3.11")
    put(path, "python3.13", "3.13")
    assert choose().version == "3.11"


def test_an_old_running_python_finds_the_newest_that_fits(path: Path) -> None:
    put(path, "running", "3.9")
    put(path, "python3.12", "3.12")
    put(path, "python3.13", "3.13")
    assert choose().version == "3.13"


def test_each_version_is_named_once(path: Path) -> None:
    put(path, "running", "3.12")
    put(path, "python3.12", "3.12")
    put(path, "python3", "3.12")
    assert [one.version for one in installed()] == ["3.12"]


def test_a_program_that_fails_is_passed_over(path: Path) -> None:
    broken = path / "python3.13"
    broken.write_text("#!/bin/sh\nexit 127\n", encoding="ascii")
    broken.chmod(0o755)
    put(path, "python3.11", "3.11")
    assert choose().version == "3.11"


def test_a_python_without_venv_gives_way_to_one_with(path: Path) -> None:
    put(path, "running", "3.13", has_venv=False)
    put(path, "python3.12", "3.12")
    assert choose().version == "3.12"


def test_debian_without_venv_is_told_which_package_to_install(path: Path) -> None:
    put(path, "running", "3.13", has_venv=False)
    with pytest.raises(SetupError, match=r"apt install python3\.13-venv$"):
        choose()


def test_without_a_supported_python_it_says_which_are(path: Path) -> None:
    put(path, "running", "3.9")
    with pytest.raises(SetupError, match=r"runs on Python 3\.11, 3\.12, 3\.13; none"):
        choose()
