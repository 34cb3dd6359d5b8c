"""requirements/constraints.txt pins every package that pyproject.toml names, for every Python version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.interpreters import SUPPORTED

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    text = (ROOT / "requirements" / "constraints.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def pins(lines: list[str]) -> dict[str, Version]:
    pairs = [line.split("==") for line in lines]
    return {name: Version(version) for name, version in pairs}


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        named += extra
    return [one for one in map(Requirement, named) if one.name != "vitrine"]


def test_a_line_is_a_name_and_a_released_version_and_nothing_else(lines: list[str]) -> None:
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==\d[0-9a-z.]*", line), line
    names = [line.split("==")[0] for line in lines]
    assert names == sorted(set(names))


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_dependency_is_pinned_within_its_range(
    requirement: Requirement, pins: dict[str, Version]
) -> None:
    pin = pins[canonicalize_name(requirement.name)]
    assert not pin.is_prerelease
    assert pin in requirement.specifier


def test_pytorch_is_left_to_pin_what_it_brings_along(pins: dict[str, Version]) -> None:
    assert "torch" in pins
    left = [name for name in pins if name.startswith(("nvidia", "cuda")) or name == "triton"]
    assert left == []


def test_the_supported_pythons_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    classified = [one.rpartition(" ")[2] for one in project["classifiers"] if ":: Python ::" in one]
    assert sorted(SUPPORTED) == sorted(classified)
