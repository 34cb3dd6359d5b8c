"""`vitrine flower` as a real process, over a real Redis: every page except the health check requires the password."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.patience import PATIENCE
from vitrine.standalone.private_redis import free_port

pytestmark = pytest.mark.e2e

PASSWORD = "a-password-for-the-tests"


@pytest.fixture(scope="module")
def url(private_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Flower that listens beyond loopback, with a password."""
    folder: Path = tmp_path_factory.mktemp("flower")
    port = free_port()
    environment = os.environ | {
        "VITRINE_DATA_DIR": str(folder),
        "VITRINE_REDIS_URL": private_redis,
        "FLOWER_BASIC_AUTH": f"vitrine:{PASSWORD}",
    }
    command = [sys.executable, "-m", "vitrine", "flower", "--host", "0.0.0.0", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + PATIENCE
        while not answers(address):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield address
        assert PASSWORD not in (folder / "log").read_text()
    finally:
        process.kill()
        process.wait(PATIENCE)


def answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/healthcheck", timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("path", ["/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers"])
def test_a_page_asks_for_the_password(url: str, path: str) -> None:
    assert requests.get(url + path, timeout=PATIENCE).status_code == 401
    wrong = requests.get(url + path, auth=("vitrine", "wrong"), timeout=PATIENCE)
    assert wrong.status_code == 401
    assert requests.get(url + path, auth=("vitrine", PASSWORD), timeout=PATIENCE).status_code == 200


def test_nobody_stops_a_worker_without_the_password(url: str) -> None:
    answer = requests.post(f"{url}/api/worker/shutdown/any", timeout=PATIENCE)
    assert answer.status_code == 401


def test_the_page_that_shows_the_broker_hides_its_password(url: str, private_redis: str) -> None:
    secret = private_redis.split("@", maxsplit=1)[0].rpartition(":")[2]
    for path in ("/broker", "/api/workers", "/tasks", "/workers"):
        shown = requests.get(url + path, auth=("vitrine", PASSWORD), timeout=PATIENCE).text
        assert secret not in shown
