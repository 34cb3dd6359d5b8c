"""A Redis behind TLS and a password, reached with only its URL by the ledger and by Celery's transport."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import redis.exceptions
from pydantic import SecretStr
from redis import Redis

from tests.patience import PATIENCE
from vitrine.core.errors import LedgerUnavailable
from vitrine.core.settings import Settings
from vitrine.ledger.redis_ledger import RedisLedger
from vitrine.messaging.broker import BROKER_PREFIX, Publisher, query_queue
from vitrine.standalone.private_redis import free_port

PASSWORD = "p/w:d@#%"
ATTEMPTS = 5


def certificate(folder: Path) -> tuple[Path, Path]:
    """Create a self-signed certificate for 127.0.0.1, and its key."""
    made, key = folder / "cert.pem", folder / "key.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
        "-keyout", str(key), "-out", str(made),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return made, key


def address(port: int, *, password: str = PASSWORD, trusted: Path | None = None) -> str:
    trust = f"?ssl_ca_certs={trusted}" if trusted else ""
    return f"rediss://:{quote(password, safe='')}@127.0.0.1:{port}/0{trust}"


def answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    with closing(Redis.from_url(url, retry=None)) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                return bool(client.ping())
            except redis.exceptions.RedisError:
                time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A Redis that accepts only TLS: its port and the certificate to trust; skips if this machine cannot run one."""
    binary = shutil.which("redis-server")
    if binary is None or shutil.which("openssl") is None:
        pytest.skip("there is no redis-server or no openssl on the PATH")
    folder = tmp_path_factory.mktemp("tls")
    made, key = certificate(folder)
    for _ in range(ATTEMPTS):
        port = free_port()
        config = folder / "redis.conf"
        config.write_text(
            f'bind 127.0.0.1\nport 0\ntls-port {port}\ntls-cert-file {made}\ntls-key-file {key}\n'
            f'tls-auth-clients no\nrequirepass "{PASSWORD}"\nsave ""\ndir {folder}\n'
        )  # fmt: skip
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen([binary, str(config)], stdout=output, stderr=output)
        try:
            if answers(process, address(port, trusted=made)):
                yield port, made
                return
        finally:
            process.terminate()
            process.wait(PATIENCE)
    if "FATAL CONFIG" in log.read_text():
        pytest.skip("the redis-server on the PATH was built without TLS")
    pytest.fail(log.read_text())


def test_the_ledger_reaches_it(server: tuple[int, Path]) -> None:
    port, made = server
    with closing(RedisLedger.connect(address(port, trusted=made))) as ledger:
        ledger.ping()


def test_messages_reach_it(server: tuple[int, Path]) -> None:
    port, made = server
    url = address(port, trusted=made)
    with closing(Publisher(Settings(redis_url=SecretStr(url)))) as publisher:
        publisher.publish_query("request", "builtin")
    with closing(Redis.from_url(url)) as client:
        assert client.llen(f"{BROKER_PREFIX}{query_queue('builtin')}") == 1


@pytest.mark.parametrize("password", ["wrong", "x" * 40])
def test_a_wrong_password_is_told_without_showing_it(
    server: tuple[int, Path], password: str
) -> None:
    port, made = server
    url = address(port, password=password, trusted=made)
    with (
        closing(RedisLedger.connect(url)) as ledger,
        pytest.raises(LedgerUnavailable, match="refused the password") as refused,
    ):
        ledger.ping()
    assert password not in str(refused.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(server: tuple[int, Path]) -> None:
    port, _ = server
    with (
        closing(RedisLedger.connect(address(port))) as ledger,
        pytest.raises(LedgerUnavailable) as refused,
    ):
        ledger.ping()
    assert quote(PASSWORD, safe="") not in str(refused.value)
    assert PASSWORD not in str(refused.value)
