"""SFTP: a host is judged by its address and its key before anything is sent to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import paramiko
import pytest

from tests.patience import PATIENCE
from tests.unit.net.sftp_server import SftpSite
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.allow_list import AllowList
from vitrine.net.rules import AddressRules
from vitrine.net.sftp import SftpConnection, SftpFile, sftp_file
from vitrine.net.sftp_download import SftpDownload


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpSite]:
    folder = tmp_path / "served"
    folder.mkdir()
    made = SftpSite(folder, tmp_path / "known_hosts")
    yield made
    made.stop()


def connect(
    server: SftpSite, options: Mapping[str, str] | None = None, *allow: str
) -> SftpConnection:
    return SftpConnection(
        "127.0.0.1",
        server.port,
        None,
        server.options() if options is None else options,
        AddressRules(AllowList.parse(allow or ["127.0.0.1"])),
        connect_timeout=PATIENCE,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("sftp://h.example/a%20b.csv", SftpFile("h.example", 22, "/a b.csv", None)),
        ("sftp://me@h.example:2222/x/y#1.csv", SftpFile("h.example", 2222, "/x/y#1.csv", "me")),
        ("SFTP://[2606:4700::1]/a", SftpFile("2606:4700::1", 22, "/a", None)),
    ],
)
def test_a_url_names_host_path_and_perhaps_a_user(url: str, found: SftpFile) -> None:
    assert sftp_file(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "sftp://me:hunter2@h.example/a", "sftp://h.example", "sftp:///a", "sftp://127.1/a", "sftp://h.example/a%00b",
        "sftp://a@b@h/x", "sftp://h.example:99999999/a", "sftp://h.example/" + "a" * 9000, "sftp://[::1/a",
    ],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ItemFailure) as caught:
        sftp_file(url)
    assert caught.value.reason is FailureReason.BAD_URL
    assert "hunter2" not in str(caught.value)


def failure(server: SftpSite, options: Mapping[str, str], *allow: str) -> ItemFailure:
    with pytest.raises(ItemFailure) as caught:
        connect(server, options, *allow)
    assert "hunter2" not in str(caught.value)
    return caught.value


def test_an_internal_address_is_refused_before_anything_is_sent(server: SftpSite) -> None:
    found = failure(server, server.options(), "other.example")
    assert found.reason is FailureReason.FORBIDDEN_ADDRESS
    assert server.logins == 0


def test_an_unknown_host_gets_no_password(server: SftpSite, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    found = failure(server, {**server.options(), "known_hosts": str(tmp_path / "empty")})
    assert found.reason is FailureReason.HTTP_ERROR
    assert "not in known_hosts" in found.detail


def test_a_host_with_another_key_is_refused(server: SftpSite, tmp_path: Path) -> None:
    other = paramiko.ECDSAKey.generate()
    line = f"[127.0.0.1]:{server.port} {other.get_name()} {other.get_base64()}\n"
    (tmp_path / "other").write_text(line)
    found = failure(server, {**server.options(), "known_hosts": str(tmp_path / "other")})
    assert "not the one in known_hosts" in found.detail


def test_a_wrong_password_is_a_final_failure(server: SftpSite) -> None:
    found = failure(server, {**server.options(), "password": "hunter3"})
    assert found.reason is FailureReason.HTTP_ERROR
    assert "refused the login" in found.detail


def test_a_file_is_streamed_and_goes_on_after_a_break(server: SftpSite, tmp_path: Path) -> None:
    body = bytes(range(256)) * 40_000
    (tmp_path / "served" / "feed.csv").write_bytes(body)
    with SftpDownload(lambda: connect(server), "/feed.csv", max_bytes=2**30) as opened:
        first = opened.read(5_000_000)
        server.cut()
        rest = b"".join(iter(lambda: opened.read(1_000_000), b""))
    assert first + rest == body
    assert server.logins == 2


def test_a_file_that_changed_meanwhile_is_not_joined(server: SftpSite, tmp_path: Path) -> None:
    file = tmp_path / "served" / "feed.csv"
    file.write_bytes(bytes(9_000_000))
    with SftpDownload(lambda: connect(server), "/feed.csv", max_bytes=2**30) as opened:
        opened.read(10)
        file.write_bytes(bytes(9_000_001))
        server.cut()
        with pytest.raises(OSError, match="changed while it was read, after 4,194,304 bytes"):
            opened.readall()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none", FailureReason.NOT_FOUND),
        ("/denied", FailureReason.HTTP_ERROR),
        ("/large", FailureReason.TOO_LARGE),
    ],
)
def test_what_cannot_be_opened_is_named(
    path: str, reason: FailureReason, server: SftpSite, tmp_path: Path
) -> None:
    (tmp_path / "served" / "large").write_bytes(bytes(101))
    with pytest.raises(ItemFailure) as caught:
        SftpDownload(lambda: connect(server), path, max_bytes=100)
    assert caught.value.reason is reason


def test_an_empty_file_has_no_bytes(server: SftpSite, tmp_path: Path) -> None:
    (tmp_path / "served" / "empty").write_bytes(b"")
    with SftpDownload(lambda: connect(server), "/empty", max_bytes=100) as opened:
        assert opened.read(10) == b""
