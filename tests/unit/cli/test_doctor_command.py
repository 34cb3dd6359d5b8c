"""`vitrine doctor`: every part is checked, and the exit code reports problems."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from redis import Redis

from vitrine.cli import main
from vitrine.cli.doctor.model_check import check_device, check_model
from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.doctor.finding import Severity
from vitrine.messaging.worker_registry import WORKERS_KEY

PARTS = [
    "settings",
    "keys",
    "disk",
    "machine",
    "Redis",
    "store",
    "workers",
    "API",
    "device",
    "model",
]


@pytest.fixture(autouse=True)
def environment(private_redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private Redis without a worker, no shared store, and no API."""
    with Redis.from_url(private_redis) as redis:
        redis.delete(WORKERS_KEY)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_REDIS_URL", private_redis)
    monkeypatch.setenv("VITRINE_QDRANT_URL", "edge:///not/ours")
    monkeypatch.setenv("VITRINE_API_PORT", "0")
    monkeypatch.setenv("VITRINE_API_URL", "http://127.0.0.1:1")


def told(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(main, ["doctor", *arguments, "--json"])
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return done.exit_code, answer


def test_every_part_is_looked_at_and_nothing_is_wrong() -> None:
    code, answer = told("--load")
    assert list(dict.fromkeys(finding["about"] for finding in answer["findings"])) == [
        *PARTS[:5], "clock", *PARTS[5:]
    ]  # fmt: skip
    assert (code, answer["wrong"]) == (0, 0), answer
    assert answer["warnings"] >= 1  # no worker is running
    loaded = answer["findings"][-1]["message"]
    assert loaded.startswith("builtin ")
    assert "embedded a picture" in loaded


def test_what_is_wrong_is_told_with_what_to_do_and_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://:hush-hush@127.0.0.1:1/0")
    monkeypatch.setenv("VITRINE_DEVICE", "cuda:7")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 3
    assert "wrong   Redis" in done.stdout
    assert "wrong   device" in done.stdout
    assert " problems" in done.stdout.splitlines()[-1]
    assert "hush-hush" not in done.output


def test_a_setting_that_is_not_understood_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_BATCH_SIZE", "many")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 2
    assert "VITRINE_BATCH_SIZE" in done.stderr


def test_a_directory_that_lacks_something_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"config\.json"):
        list(check_model(Settings(model=str(tmp_path)), load=False))


def test_a_name_on_the_hub_is_not_asked_for_unless_wanted() -> None:
    found = list(check_model(Settings(model="organisation/model"), load=False))
    assert [finding.verdict for finding in found] == [Severity.NOTE, Severity.NOTE]


def test_the_device_is_told_by_what_it_is() -> None:
    (found,) = check_device(Settings(device="cpu"))
    assert found.message.startswith("cpu is cpu: ")


def test_an_installation_without_a_workers_packages_is_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vitrine.cli.doctor.model_check._PACKAGES", ("torch", "no_such_package"))
    assert list(check_device(Settings())) == []
    (found,) = check_model(Settings(redis_url=SecretStr("redis://h")), load=True)
    assert "it lacks no_such_package" in found.message
