"""An error about a secret setting that is mistyped, or whose service is unreachable, does not show its value."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vitrine.cli import main
from vitrine.core.api_keys import PREFIX, Scope, new_key

MARK = "planted7f3c09d2e1b4"
KEY, KEPT = new_key("shop", [Scope.READ])

#: URLs where no service runs (ports 1 and 9), each with a secret.
PLANTED = {
    "VITRINE_REDIS_URL": f"redis://:{MARK}@127.0.0.1:1/0",
    "VITRINE_QDRANT_URL": f"http://user:{MARK}@127.0.0.1:9",
    "VITRINE_QDRANT_API_KEY": MARK,
    "VITRINE_STORE_TOKEN": MARK,
    "VITRINE_API_KEYS": KEPT.entry,
    "VITRINE_API_KEY": KEY,
    "VITRINE_API_URL": f"http://user:{MARK}@127.0.0.1:1",
    "FLOWER_BASIC_AUTH": f"name:{MARK}",
    "VITRINE_LOG_LEVEL": "DEBUG",
}

REDIS, STORE, KEYS = "VITRINE_REDIS_URL", "VITRINE_QDRANT_URL", "VITRINE_API_KEYS"
COMMANDS = {
    "api": ("api", "--port", "0"),
    "jobs": ("jobs",),
    "search": ("search", "--collection", "shop", "--text", "red"),
    "standalone": ("standalone", "--port", "1"),
    "open api": ("api", "--host", "0.0.0.0"),
    "store": ("store", "--path", "/dev/null/vectors"),
    "flower": ("flower", "--host", "0.0.0.0", "--port", "-1"),
}


@pytest.fixture(autouse=True)
def _quiet_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo a command's changes to the root logger."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)


def run(folder: Path, command: str, **environment: str) -> Result:
    settings = PLANTED | {"VITRINE_DATA_DIR": str(folder)} | environment
    return CliRunner().invoke(main, COMMANDS[command], env=settings)


def assert_hidden(result: Result) -> None:
    assert result.exit_code in {1, 2}, result.output
    assert result.output != ""
    assert "Traceback" not in result.output
    for secret in (MARK, KEY.removeprefix(PREFIX)):
        assert secret not in result.output


@pytest.mark.parametrize("command", ["api", "jobs", "standalone"])
@pytest.mark.parametrize(
    "url",
    [f"reddis://:{MARK}@h/0", f":{MARK}@h:6379/0", f"redis://:{MARK}@h:{MARK}/0",
     f"redis://:{MARK}@[::1/0", f"redis://:pa/ss@{MARK}@h:1"],
)  # fmt: skip
def test_an_address_of_redis_that_is_none(tmp_path: Path, command: str, url: str) -> None:
    result = run(tmp_path, command, VITRINE_REDIS_URL=url)
    assert_hidden(result)
    assert REDIS in result.output


@pytest.mark.parametrize("command", ["api", "standalone"])
@pytest.mark.parametrize(
    "url", [f"quadrant://{MARK}@h", f"http://:{MARK}@h:{MARK}", f"http://:{MARK}/x@h", MARK]
)
def test_an_address_of_the_store_that_is_none(tmp_path: Path, command: str, url: str) -> None:
    result = run(tmp_path, command, VITRINE_QDRANT_URL=url)
    assert_hidden(result)
    assert STORE in result.output


@pytest.mark.parametrize("command", ["api", "standalone"])
@pytest.mark.parametrize(
    "entries",
    [f"shop:read:{KEY}", f"{MARK}:{MARK}:{MARK}", MARK],
    ids=["a key", "three parts", "one word"],
)
def test_an_entry_that_is_none(tmp_path: Path, command: str, entries: str) -> None:
    result = run(tmp_path, command, VITRINE_API_KEYS=entries)
    assert_hidden(result)
    assert KEYS in result.output


@pytest.mark.parametrize("key", [f"{MARK}\nX-Other: {MARK}", f"{MARK} {MARK}", f"{MARK}\u00e9"])
def test_a_key_that_no_header_carries(tmp_path: Path, key: str) -> None:
    result = run(tmp_path, "search", VITRINE_API_KEY=key)
    assert_hidden(result)
    assert "VITRINE_API_KEY" in result.output


def test_a_number_that_is_none(tmp_path: Path) -> None:
    assert_hidden(run(tmp_path, "jobs", VITRINE_API_PORT=MARK))


@pytest.mark.parametrize("command", ["jobs", "search", "store", "flower"])
def test_a_service_that_nobody_runs_or_a_place_that_cannot_be(tmp_path: Path, command: str) -> None:
    assert_hidden(run(tmp_path, command))


def test_a_start_that_would_stand_open(tmp_path: Path) -> None:
    result = run(tmp_path, "open api", VITRINE_API_KEYS="")
    assert_hidden(result)
    assert "be open to everyone at 0.0.0.0" in result.output
