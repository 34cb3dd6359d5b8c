"""The map of the repository: no folder is a heap, no module imports in a circle, every package of ours has its layer."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY

ROOMS = ("vitrine", "producer", "api", "workers")
MOST_FILES = 25
"""Files side by side in one folder."""


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


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = {module: set(_imported(path)) for module, path in _modules().items()}
    while True:
        leaves = {module for module, others in imports.items() if not others & imports.keys()}
        if not leaves:
            break
        for module in leaves:
            del imports[module]
    assert imports == {}


@cache
def _modules() -> dict[str, Path]:
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
        for path in _tracked()
        if path.suffix == ".py" and path.parts[0] in ROOMS
    }


def _imported(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports when it is itself imported."""
    me = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for node in _at_import(ast.parse((REPOSITORY / path).read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in _modules())
        elif isinstance(node, ast.ImportFrom) and node.module in _modules():
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found = inner if inner in _modules() else str(node.module)
                # A package that gathers its own parts is imported before them, whoever asks.
                if found != me and not me.startswith(f"{found}."):
                    yield found


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.Try):
            yield from _at_import(node.body)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield node
