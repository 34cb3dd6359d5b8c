"""The files of the production setup, read once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from vitrine.core.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    """The root folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def compose_text() -> str:
    """The text of docker-compose.yml."""
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def compose(compose_text: str) -> dict[str, Any]:
    """docker-compose.yml with its anchors resolved."""
    loaded = yaml.safe_load(compose_text)
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services by name."""
    found = compose["services"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="session")
def env_example() -> dict[str, str]:
    """The variables of .env.example with their values."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line.strip() and not line.startswith("#")]
    return dict(pairs)


@pytest.fixture(scope="session")
def stages() -> dict[str, list[str]]:
    """The Dockerfile's instructions by stage, continuation lines joined."""
    text = (ROOT / "infra" / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    lines = [line.strip() for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
    found: dict[str, list[str]] = {}
    for line in lines:
        match = re.fullmatch(r"FROM (\S+) AS (\S+)", line)
        if match:
            found[match[2]] = []
        list(found.values())[-1].append(line)
    return found


@pytest.fixture(scope="session")
def settings_variables() -> set[str]:
    """Every environment variable that the settings read."""
    return {f"VITRINE_{name.upper()}" for name in Settings.model_fields}
