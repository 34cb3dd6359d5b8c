"""Every module path that a string, a document or a configuration file names exists and can be imported.

A move updates imports, which mypy checks, but not strings: `-m` in a container's health check, the targets of the
command group, Celery's `-A` and its consumer class, the names that tests patch, the modules that documents mention.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from functools import cache
from operator import attrgetter
from pathlib import Path

from tests.conftest import REPOSITORY

ROOTS = ("vitrine", "producer", "workers", "api", "benchmarks", "scripts", "tests", "infra")
SUFFIXES = {".py", ".md", ".yml", ".toml", ".sh", ""}
_QUOTED = re.compile(
    rf"(?:[\"'`]|-m |-A |python -m )((?:{'|'.join(ROOTS)})(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_]\w*)?)"
    r"(?=[\"'`\s,)\]]|\\n|$)",
    re.MULTILINE,
)
_FILE = re.compile(
    rf"(?<![\w./-])(?:{'|'.join(ROOTS)})(?:/[\w-]+)*/[\w-]+\.(?:py|lua|js|css|conf|yml)\b"
)
NOT_MODULES = {
    "vitrine.audit", "vitrine.tests.lines",  # loggers
    "vitrine.ingest", "vitrine.query", "vitrine.key", "vitrine.model", "vitrine.job", "vitrine.chunk",  # wire names
    "vitrine.example", "api.example", "api.url", "api.log", "tests.yml",  # hosts and files
    "api.py", "workers.py", "producer.py",  # names of a user's files
    "workers.engine",  # of checkouts that benchmarks compare
    "benchmarks.NAME", "benchmarks.parts.workers.MODULE", "vitrine.cli.absent_command.x",  # placeholders
}  # fmt: skip
ELSEWHERE = {
    "benchmarks.embedding.with_infinity",
    "benchmarks.embedding.with_sentence_transformers",
}
"""They run in a separate environment, with a library that is not installed here."""
OLD_NAMES = {"CHANGELOG.md", "docs/performance.md"}
"""Files about the past: about changes, and about profiles from before a move."""


@cache
def _texts() -> dict[str, str]:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=REPOSITORY, text=True)
    paths = {name: REPOSITORY / name for name in listed.split("\0") if name}
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in paths.items()
        if path.suffix in SUFFIXES and path.is_file() and name not in OLD_NAMES
    }


def _named() -> dict[str, str]:
    """Return every quoted dotted path, with a file that names it."""
    found = {
        match.group(1).replace(":", "."): name
        for name, text in _texts().items()
        for match in _QUOTED.finditer(text)
    }
    return {path: name for path, name in found.items() if path not in NOT_MODULES}


def _module_of(path: str) -> str | None:
    """Return the longest prefix of a dotted path that is a module of ours."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        base = REPOSITORY.joinpath(*parts[:end])
        if base.with_suffix(".py").is_file() or (base / "__init__.py").is_file():
            return ".".join(parts[:end])
    return None


def test_every_quoted_path_names_a_module_or_something_in_one() -> None:
    wrong = [f"{name}: {path}" for path, name in _named().items() if not _exists(path)]
    assert wrong == []


def _exists(path: str) -> bool:
    module = _module_of(path)
    if module is None or (attributes := path[len(module) + 1 :]) == "":
        return module is not None
    if importlib.util.find_spec(module) is None:
        return False
    try:
        attrgetter(attributes)(importlib.import_module(module))
    except AttributeError:
        return _is_field(module, attributes)
    return True


def _is_field(module: str, attributes: str) -> bool:
    # A field without a default is not an attribute of its class.
    name, _, field = attributes.partition(".")
    return field in getattr(
        getattr(importlib.import_module(module), name, None), "__annotations__", ()
    )


def test_every_quoted_module_can_be_imported() -> None:
    """Imports run in a separate process: some start services' clients, and one counts what is loaded."""
    modules = {_module_of(path) for path in _named()} - {None, *ELSEWHERE}
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-c", program, *sorted(filter(None, modules))],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_file_that_is_named_is_there() -> None:
    wrong = [
        f"{name}: {match.group()}"
        for name, text in _texts().items()
        for match in _FILE.finditer(text)
        if not _file_exists(name, match.group())
    ]
    assert wrong == []


def _file_exists(name: str, path: str) -> bool:
    # A document may also name a file relative to its own folder.
    return (REPOSITORY / path).is_file() or (REPOSITORY / Path(name).parent / path).is_file()
