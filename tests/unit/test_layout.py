"""The layout of the repository: no folder has too many files, and every package of ours has a layer."""

from __future__ import annotations

import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY

MOST_FILES = 25
"""Maximum number of files in one folder."""


@cache
def _tracked() -> tuple[Path, ...]:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=REPOSITORY, text=True)
    return tuple(
        Path(name) for name in listed.split("\0") if name and (REPOSITORY / name).is_file()
    )


def test_no_folder_is_a_heap() -> None:
    files = Counter(path.parent.as_posix() for path in _tracked())
    assert {folder: count for folder, count in files.items() if count > MOST_FILES} == {}


def test_every_package_of_the_core_has_its_place_among_the_layers() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layered = " ".join(
        layer
        for contract in project["tool"]["importlinter"]["contracts"]
        for layer in contract.get("layers", ())
    ).split()
    ours = {path.parts[1].removesuffix(".py") for path in _tracked() if path.parts[0] == "vitrine"}
    assert ours - {"__init__", "__main__", "py.typed"} == {
        name.removeprefix("vitrine.") for name in layered if name.startswith("vitrine.")
    }


def test_no_contract_of_the_linter_has_exceptions() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert not [
        contract["name"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract.get("ignore_imports")
    ]
