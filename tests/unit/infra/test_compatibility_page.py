"""docs/compatibility.md names existing tests and settings, and each of the five documents."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "compatibility.md").read_text(encoding="utf-8")


def functions(path: Path) -> set[str]:
    """Return the names of the functions that a module defines."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_the_tests_that_it_names_exist_under_one_name(page: str, root: Path) -> None:
    named = re.findall(r"`(?:[\w/]+/)?(test_\w+\.py)(?:::(\w+))?`", page)
    assert len(named) > 40
    missing = []
    for file, function in named:
        (path,) = (root / "tests").rglob(file)
        if function and function not in functions(path):
            missing.append(f"{file}::{function}")
    assert missing == []


def test_every_feature_has_its_document_its_place_and_its_test(page: str) -> None:
    rows = [line for line in page.splitlines() if re.match(r"\| (all|\d(, \d)*) \| ", line)]
    assert {number for row in rows for number in re.findall(r"\d", row.split("|")[1])} == set(
        "12345"
    )
    for row in rows:
        _, document, feature, where, test, _ = row.split("|")
        assert document.strip()
        assert feature.strip()
        assert where.strip()
        assert "::test_" in test


def test_the_variables_that_it_names_are_settings(page: str, settings_variables: set[str]) -> None:
    assert set(re.findall(r"VITRINE_[A-Z_]+", page)) <= settings_variables
