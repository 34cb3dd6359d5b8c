"""Each part imports only what its own extra installs, so that an image or a machine without the others works."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("vitrine", "producer", "api", "workers")

#: The extras that each part may use, besides vitrine's base dependencies.
EXTRAS = {
    "producer": ("producer",),
    "api": ("api", "producer"),
    "workers": ("worker",),
    "vitrine": (),
    "vitrine/cli": ("flower", "standalone"),
    "vitrine/demo": ("worker",),
    "vitrine/net": ("remote",),
    "vitrine/telemetry": ("api", "otel", "worker"),
    "vitrine/store": ("standalone",),
    "vitrine/testing": ("worker",),
    "benchmarks": ("dev", "api", "producer", "standalone", "worker"),
}

#: Packages installed by a declared package, which sets their version: a second declaration could only disagree.
CARRIED = {
    "anyio": "fastapi",
    "huggingface-hub": "transformers",
    "kombu": "celery",
    "opentelemetry-api": "opentelemetry-sdk",
    "starlette": "fastapi",
    "typing-extensions": "pydantic",
}


#: What benchmarks compare with, in separate environments (`benchmarks/environments.py`).
PEERS = {"celery_batches", "infinity_emb", "sentence_transformers", "torchvision"}


def names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9._-]+", one) for one in requirements)
    return {canonicalize_name(match[0]) for match in found if match}


def allowed(extras: tuple[str, ...]) -> set[str]:
    """Return the distributions that the base and these extras name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return names(project["dependencies"]).union(*(names(optional[extra]) for extra in extras))


def part_of(path: Path) -> str:
    """Return the longest folder of EXTRAS that contains the file."""
    relative = path.relative_to(ROOT).as_posix()
    return max((part for part in EXTRAS if relative.startswith(f"{part}/")), key=len)


def imported(path: Path) -> set[str]:
    """Return the top-level names of third-party packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - set(ROOMS) - {"benchmarks"}


def files() -> list[Path]:
    return [path for part in (*ROOMS, "benchmarks") for path in sorted((ROOT / part).rglob("*.py"))]


@pytest.fixture(scope="module")
def owners() -> dict[str, set[str]]:
    """Map each import name to the distributions that provide it."""
    installed = importlib.metadata.packages_distributions()
    return {
        name: {CARRIED.get(one, one) for one in map(canonicalize_name, owning)}
        for name, owning in installed.items()
    }


@pytest.mark.parametrize("part", EXTRAS)
def test_what_is_imported_is_declared_where_it_is_used(
    part: str, owners: dict[str, set[str]]
) -> None:
    permitted = allowed(EXTRAS[part])
    undeclared = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        if part_of(path) == part
        for name in sorted(imported(path) - (PEERS if part == "benchmarks" else set()))
        if not owners.get(name, {name}) & permitted
    ]
    assert undeclared == []
