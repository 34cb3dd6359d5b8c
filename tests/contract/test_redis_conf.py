"""infra/redis.conf on a real server: it starts, keeps its data, and refuses writes rather than evicting keys."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.patience import PATIENCE
from vitrine.standalone.redis_binary import find_redis_binary

CONF = Path(__file__).resolve().parents[2] / "infra" / "redis.conf"
PASSWORD = "only-for-this-test"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Run the production configuration on a private socket and folder; yield the socket."""
    socket = str(tmp_path / "redis.sock")
    moved = f'port 0\nunixsocket "{socket}"\n'
    with subprocess.Popen(
        [str(find_redis_binary()), str(CONF), "-"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(f'{moved}requirepass "{PASSWORD}"\nmaxmemory 64mb\n')
        process.stdin.close()
        try:
            wait_until_it_answers(socket, process)
            yield socket
        finally:
            process.terminate()


def wait_until_it_answers(socket: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    with Redis(unix_socket_path=socket, password=PASSWORD) as client:
        while True:
            try:
                client.ping()
            except RedisConnectionError:
                assert process.poll() is None, "redis-server did not start from infra/redis.conf"
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.05)
            else:
                return


EXPECTED = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "maxmemory": str(64 * 1024 * 1024),
}


def test_it_persists_and_never_evicts(server: str) -> None:
    with Redis(unix_socket_path=server, password=PASSWORD, decode_responses=True) as client:
        told = {name: client.config_get(name)[name] for name in EXPECTED}
    assert told == EXPECTED


def test_the_password_from_standard_input_is_asked_for(server: str) -> None:
    with Redis(unix_socket_path=server) as client, pytest.raises(AuthenticationError):
        client.ping()
