from __future__ import annotations

import socket
from pathlib import Path

import pytest

from api.server import bind_socket, url_of
from tests.patience import PATIENCE
from vitrine.cli.api import write_at_once
from vitrine.core.errors import BadInput, Unavailable
from vitrine.core.loopback import is_loopback


def test_port_0_takes_a_free_one() -> None:
    with bind_socket("127.0.0.1", 0) as first, bind_socket("127.0.0.1", 0) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_taken_port_is_told_with_what_to_do() -> None:
    with bind_socket("127.0.0.1", 0) as taken, pytest.raises(Unavailable) as refused:
        bind_socket("127.0.0.1", taken.getsockname()[1])
    assert "--port" in str(refused.value)


def test_a_host_that_is_not_ours_is_told() -> None:
    with pytest.raises(Unavailable, match=r"192\.0\.2\.1"):
        bind_socket("192.0.2.1", 0)  # TEST-NET-1: never an address of this machine


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("localhost", "http://localhost:80"),
        ("::1", "http://[::1]:80"),
        ("::", "http://[::1]:80"),
    ],
)
def test_the_url_is_one_that_this_machine_reaches(host: str, url: str) -> None:
    assert url_of(host, 80) == url


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
    ],
)
def test_only_loopback_is_this_machine_alone(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here


def test_a_bound_socket_listens_at_once() -> None:
    with bind_socket("127.0.0.1", 0) as listening:
        socket.create_connection(listening.getsockname(), timeout=PATIENCE).close()


def test_the_port_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("old and longer than the new one")
    write_at_once(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_port_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none/url"):
        write_at_once(tmp_path / "none" / "url", "x")
