from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis.exceptions
from redis import Redis

from tests.patience import PATIENCE
from vitrine.core.errors import VitrineError
from vitrine.standalone.private_redis import PrivateRedis
from vitrine.standalone.redis_binary import find_redis_binary


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refused(url: str) -> bool:
    with Redis.from_url(url) as client:
        try:
            client.ping()
        except redis.exceptions.RedisError:
            return True
        return False


def test_data_survive_a_restart_and_only_their_user_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    server = PrivateRedis(folder)
    server.start()
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
    server.stop()
    server.stop()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "redis.conf").stat().st_mode) == 0o600
    again = PrivateRedis(folder)
    again.start()
    with Redis.from_url(again.url) as client:
        assert client.get("kept") == b"yes"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    again.stop()


def test_nobody_gets_in_without_the_password(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path)
    server.start()
    address = server.url.split("@")[1]
    assert refused(f"redis://{address}")
    server.stop()


def test_a_server_left_behind_is_stopped_before_a_new_one_starts(tmp_path: Path) -> None:
    first = PrivateRedis(tmp_path)
    first.start()
    with Redis.from_url(first.url) as client:
        client.set("kept", "yes")
    second = PrivateRedis(tmp_path)
    second.start()
    assert refused(first.url) or first.url == second.url
    with Redis.from_url(second.url) as client:
        assert client.get("kept") == b"yes"
    second.stop()
    first.stop()


def test_it_comes_back_at_the_same_address_after_it_died(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path)
    server.start()
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        client.config_set("appendfsync", "always")
        pid = int(client.info()["process_id"])
    os.kill(pid, signal.SIGKILL)
    until(lambda: not server.alive())
    server.restart()
    with Redis.from_url(server.url) as client:
        assert client.get("kept") == b"yes"
    server.stop()


def test_no_server_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path;"
        "from vitrine.standalone.private_redis import PrivateRedis;"
        "server = PrivateRedis(Path(sys.argv[1])); server.start();"
        "print(server.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        url = supervisor.stdout.readline().strip()
        assert not refused(url)
        supervisor.kill()
    until(lambda: refused(url))


def test_a_named_binary_that_cannot_run_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_REDIS_SERVER", "/nowhere/redis-server")
    with pytest.raises(VitrineError, match="/nowhere/redis-server"):
        find_redis_binary()


def kill_guard(server: PrivateRedis) -> None:
    assert server._process is not None
    server._process.kill()
    until(lambda: not server.alive())


def test_a_server_that_lost_its_guard_is_replaced_and_not_doubled(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path)
    server.start()
    with Redis.from_url(server.url) as client:
        client.set("kept", "yes")
        first = client.info()["process_id"]
    kill_guard(server)
    server.restart()
    with Redis.from_url(server.url) as client:
        assert client.info()["process_id"] != first
        assert client.get("kept") == b"yes"
    kill_guard(server)
    server.stop()
    assert refused(server.url)


def test_a_server_that_never_answers_is_ended_before_the_start_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "silent-server"
    silent.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    silent.chmod(0o700)
    monkeypatch.setenv("VITRINE_REDIS_SERVER", str(silent))
    monkeypatch.setattr("vitrine.standalone.private_redis.START_SECONDS", 0.5)
    server = PrivateRedis(tmp_path / "redis")
    with pytest.raises(VitrineError, match=r"redis\.log"):
        server.start()
    shown = subprocess.run(
        ["ps", "axww", "-o", "command="], capture_output=True, text=True, check=True
    )
    assert str(silent) not in shown.stdout


def test_a_server_that_ends_at_once_is_tried_at_other_ports_and_then_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_REDIS_SERVER", "/bin/false")
    with pytest.raises(VitrineError, match="did not start"):
        PrivateRedis(tmp_path / "redis").start()
