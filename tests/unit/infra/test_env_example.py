""".env.example lists the variables of docker-compose.yml, and none of its secrets is usable as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from vitrine.core.api_keys import read_keyring
from vitrine.core.settings import Settings


def test_it_names_every_variable_that_compose_reads(
    compose_text: str, env_example: dict[str, str]
) -> None:
    read = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose_text))
    assert read == set(env_example)


def test_its_secrets_are_empty_so_that_compose_refuses_to_start(
    env_example: dict[str, str],
) -> None:
    secrets = {name for name in env_example if re.search(r"PASSWORD|API_KEY", name)}
    assert secrets == {
        "REDIS_PASSWORD", "QDRANT_API_KEY", "FLOWER_PASSWORD", "GRAFANA_PASSWORD",
        "PROMETHEUS_API_KEY", "VITRINE_API_KEYS",
    }  # fmt: skip
    assert all(env_example[name] == "" for name in secrets)


def test_the_command_that_makes_a_key_without_vitrine_makes_one_that_is_known(root: Path) -> None:
    text = (root / ".env.example").read_text(encoding="utf-8")
    (command,) = re.findall(r"^#   (key=.+)$", text, flags=re.MULTILINE)
    if not all(map(shutil.which, ("openssl", "sha256sum"))):
        pytest.skip("there is no openssl or no sha256sum on the PATH")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    key, entry = done.stdout.split()
    found = read_keyring(Settings(api_keys=SecretStr(entry))).find(key)
    assert found is not None
    assert found.name == "shop"


def test_its_defaults_are_those_of_the_compose_file(
    compose_text: str, env_example: dict[str, str]
) -> None:
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", compose_text))
    shown = {name: value for name, value in env_example.items() if name in defaults}
    assert shown == defaults
