"""SECURITY.md names existing tests, settings and scopes, and lists every scope and open path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.permissions import OPEN
from vitrine.core.api_keys import Scope


@pytest.fixture
def page(root: Path) -> str:
    return (root / "SECURITY.md").read_text(encoding="utf-8")


def test_the_tests_that_it_names_exist(page: str, root: Path) -> None:
    named = set(re.findall(r"`(test_\w+\.py)`", page))
    assert len(named) > 15
    assert named <= {path.name for path in (root / "tests").rglob("test_*.py")}


def test_the_folders_and_files_that_it_names_exist(page: str, root: Path) -> None:
    named = re.findall(r"`((?:tests|\.github)/[^`]+)`", page)
    assert named
    assert all((root / name).exists() for name in named)


def test_the_variables_that_it_names_are_settings(page: str, settings_variables: set[str]) -> None:
    assert set(re.findall(r"VITRINE_[A-Z_]+", page)) <= settings_variables


def test_it_tells_every_scope_and_every_open_path(page: str) -> None:
    assert all(f"\n| {scope} | " in page for scope in Scope)
    assert all(f"`{path}`" in page for path in OPEN)
