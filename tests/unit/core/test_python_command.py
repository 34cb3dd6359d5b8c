"""No Python process of ours imports from the working directory, whatever it contains."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from vitrine.core.python_command import python_command, safe_path

PRODUCT = ("vitrine", "producer", "workers", "api", "infra")
HELPER = "vitrine/core/python_command.py"
STARTED = re.compile(r"sys\.executable(?!\s*,\s*\"-[PI]\")")


def sources() -> Iterator[Path]:
    for room in PRODUCT:
        yield from sorted((REPOSITORY / room).rglob("*.py"))


def test_only_the_helper_starts_this_interpreter_or_it_is_isolated() -> None:
    unsafe = [
        f"{path.relative_to(REPOSITORY)}: {match[0]}"
        for path in sources()
        if path != REPOSITORY / HELPER
        for match in STARTED.finditer(path.read_text(encoding="utf-8"))
    ]
    assert unsafe == []


@pytest.mark.parametrize("form", ['"python"', '"python3"', "set_executable"])
def test_no_interpreter_is_started_by_another_name(form: str) -> None:
    assert [path for path in sources() if form in path.read_text(encoding="utf-8")] == []


def test_every_pool_of_processes_is_started_without_the_working_directory() -> None:
    pools = {path for path in sources() if "ProcessPoolExecutor(" in path.read_text()}
    assert pools, "the drawing has one"
    assert all("with safe_path():" in path.read_text() for path in pools)


def test_a_module_of_the_working_directory_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "trap.py").write_text("")
    run = subprocess.run(python_command("trap"), cwd=tmp_path, capture_output=True, check=False)
    assert b"No module named trap" in run.stderr


def test_arguments_follow_the_module() -> None:
    assert python_command("a.b", "-x", "y") == [sys.executable, "-P", "-m", "a.b", "-x", "y"]


@pytest.mark.parametrize("before", [None, "yes"])
def test_safe_path_is_for_what_is_started_inside(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with safe_path():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ.get("PYTHONSAFEPATH") == before
