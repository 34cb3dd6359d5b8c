"""Fixtures that every suite shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from vitrine.standalone.private_redis import PrivateRedis

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Restore Ctrl-C for the tests that send it: a shell starts background commands with SIGINT ignored, children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real catalog pictures, odd files and a pretrained model; skips if it is missing."""
    path = Path(os.environ.get("VITRINE_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (path / "labels.csv").is_file():
        pytest.skip(f"the data set of real pictures is not at {path} (set VITRINE_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def private_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real, private Redis that a suite may use freely."""
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def redis_server(request: pytest.FixtureRequest) -> str:
    """The URL of a real Redis: the one in VITRINE_TEST_REDIS_URL, whose other keys are left alone, or a private one."""
    named = os.environ.get("VITRINE_TEST_REDIS_URL")
    return named or str(request.getfixturevalue("private_redis"))
