"""Secrets planted in every setting never appear in a process's output, responses or logs, however it fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.patience import PATIENCE
from vitrine.core.api_keys import Scope, new_key

pytestmark = pytest.mark.e2e


MARK = "planted7f3c09d2e1b4"
"""Part of every secret, so that one search finds any of them."""
KEY, KEPT = new_key("shop", [Scope.ADMIN])
WORKER = ("worker", "--model", "builtin", "--device", "cpu")
HIDDEN = (MARK, KEY.removeprefix("vitrine_"))

#: URLs where no Redis or Qdrant runs (ports 1 and 9), with secrets, and API keys.
PLANTED = {
    "VITRINE_REDIS_URL": f"redis://:{MARK}@127.0.0.1:1/0",
    "VITRINE_QDRANT_URL": f"http://user:{MARK}@127.0.0.1:9",
    "VITRINE_QDRANT_API_KEY": f"{MARK}-qdrant",
    "VITRINE_STORE_TOKEN": f"{MARK}-store",
    "VITRINE_API_KEYS": KEPT.entry,
    "VITRINE_API_KEY": KEY,
    "VITRINE_API_URL": f"http://user:{MARK}@127.0.0.1:1",
    "FLOWER_BASIC_AUTH": f"name:{MARK}",
    "VITRINE_LOG_LEVEL": "DEBUG",
}


def environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    return {**kept, **PLANTED, "VITRINE_DATA_DIR": str(folder), **extra}


@contextmanager
def running(folder: Path, *arguments: str, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its output in `folder/log`; kill it when the block ends."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vitrine", *arguments],
            env=environment(folder, extra), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)


def printed(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")


def assert_hidden(text: str) -> None:
    for secret in HIDDEN:
        where = text.find(secret)
        assert where < 0, f"…{text[max(0, where - 300) : where]}[here it is]"


def wait_for(process: subprocess.Popen[bytes], folder: Path, said: str) -> None:
    """Wait until the process has printed `said` or has ended."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and said not in printed(folder):
        assert time.monotonic() < deadline, printed(folder)
        time.sleep(0.05)


@pytest.mark.parametrize("url", [f":{MARK}@h:6379/0", f"redis://:{MARK}@h:{MARK}/0"])
def test_a_worker_tells_of_an_address_that_is_none_without_showing_it(
    tmp_path: Path, url: str
) -> None:
    with running(tmp_path, *WORKER, VITRINE_REDIS_URL=url) as process:
        assert process.wait(PATIENCE) == 2
    assert "VITRINE_REDIS_URL" in printed(tmp_path)
    assert_hidden(printed(tmp_path))


def test_a_worker_without_its_redis_tells_of_it_without_the_password(tmp_path: Path) -> None:
    with running(tmp_path, *WORKER) as process:
        wait_for(process, tmp_path, "does not answer")
    assert "does not answer" in printed(tmp_path)
    assert_hidden(printed(tmp_path))


def test_the_api_answers_and_logs_without_secrets(tmp_path: Path) -> None:
    url_file = tmp_path / "url"
    with running(tmp_path, "api", "--port", "0", "--port-file", str(url_file)) as process:
        wait_for(process, tmp_path, "The API listens on")
        told = list(answers(url_file.read_text().strip()))
    assert {status for status, _ in told} >= {401, 422, 503}
    for _, text in told:
        assert_hidden(text)
    assert '"action":"submit"' in printed(tmp_path)
    assert_hidden(printed(tmp_path))


def answers(url: str) -> Iterator[tuple[int, str]]:
    """Yield the API's responses to a known and an unknown key while nothing behind it responds."""
    for key in (KEY, f"{KEY}{MARK}"):
        bearer = {"Authorization": f"Bearer {key}"}
        item = {"collection": "shop", "items": [{"id": "a", "images": ["http://h/x"]}]}
        for method, path, body in (
            ("GET", "/readyz", None), ("GET", "/v1/jobs", None), ("GET", "/v1/collections", None),
            ("POST", "/v1/jobs", item), ("POST", "/v1/jobs", {}), ("POST", "/v1/jobs/x/cancel", None),
            ("POST", "/v1/search", {"collection": "shop", "text": "red"}),
        ):  # fmt: skip
            answer = requests.request(
                method, url + path, json=body, headers=bearer, timeout=PATIENCE
            )
            yield answer.status_code, answer.text + str(answer.headers)
