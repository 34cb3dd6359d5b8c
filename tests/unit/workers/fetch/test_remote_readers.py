"""Pictures in object stores and on SFTP hosts, through the fetcher."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.patience import PATIENCE
from tests.unit.net.s3_server import KEYS, put, s3_server
from tests.unit.net.sftp_server import SftpSite
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.host_settings import Hosts
from workers.fetch import FetchedPicture, Fetcher

MakeFetcher: TypeAlias = Callable[..., Fetcher]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as at:
        put(at, "pictures", {f"{number}.jpg": b"%d" % number * 100 for number in range(40)})
        put(at, "pictures-2", {"large": bytes(1001), "empty": b""})
        yield at


@pytest.fixture
def from_stores(endpoint: str, make_fetcher: MakeFetcher) -> Fetcher:
    table = {"endpoint": endpoint, **KEYS}
    hosts = Hosts(stores={"s3://pictures": table, "s3://pictures-2": table, "s3://none": table})
    return make_fetcher(hosts=hosts, max_bytes=1000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpSite]:
    (tmp_path / "served").mkdir()
    made = SftpSite(tmp_path / "served", tmp_path / "known_hosts")
    yield made
    made.stop()


@pytest.fixture
def from_sftp(server: SftpSite, make_fetcher: MakeFetcher) -> Fetcher:
    hosts = Hosts(sftp={f"127.0.0.1:{server.port}": server.options()})
    return make_fetcher("127.0.0.1", hosts=hosts, max_bytes=1000)


def fetch(fetcher: Fetcher, url: str) -> FetchedPicture:
    return fetcher.fetch(url).result(PATIENCE)


def reason(fetcher: Fetcher, url: str) -> FailureReason:
    error = fetcher.fetch(url).exception(PATIENCE)
    assert isinstance(error, ItemFailure)
    assert "hunter2" not in str(error)
    return error.reason


def test_pictures_of_a_store_are_fetched(from_stores: Fetcher) -> None:
    futures = [from_stores.fetch(f"s3://pictures/{number}.jpg") for number in range(40)]
    for number, future in enumerate(futures):
        assert future.result(PATIENCE).data == b"%d" % number * 100
    found = fetch(from_stores, "S3://pictures/1.jpg")
    assert (found.url, found.status) == ("S3://pictures/1.jpg", 200)
    assert found.etag


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://pictures/none", FailureReason.NOT_FOUND), ("s3://none/a", FailureReason.NOT_FOUND),
        ("s3://pictures-2/large", FailureReason.TOO_LARGE), ("s3://pictures-2/empty", FailureReason.NOT_AN_IMAGE),
        ("s3://pictures/../x", FailureReason.BAD_URL), ("s3://169.254.169.254:80/x", FailureReason.BAD_URL),
        ("az://pictures/x", FailureReason.HTTP_ERROR),
    ],
)  # fmt: skip
def test_what_a_store_does_not_give_is_named(
    url: str, expected: FailureReason, from_stores: Fetcher
) -> None:
    assert reason(from_stores, url) is expected


def test_pictures_of_an_sftp_host_are_fetched_over_kept_connections(
    from_sftp: Fetcher, server: SftpSite, tmp_path: Path
) -> None:
    for number in range(30):
        (tmp_path / "served" / f"{number}.jpg").write_bytes(b"%d" % number * 100)
    futures = [from_sftp.fetch(server.url(f"/{number}.jpg")) for number in range(30)]
    for number, future in enumerate(futures):
        assert future.result(PATIENCE).data == b"%d" % number * 100
    assert server.logins <= 8
    server.cut()
    assert fetch(from_sftp, server.url("/1.jpg")).data == b"1" * 100


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/none.jpg", FailureReason.NOT_FOUND), ("/denied", FailureReason.HTTP_ERROR),
        ("/large", FailureReason.TOO_LARGE), ("/empty", FailureReason.NOT_AN_IMAGE),
    ],
)  # fmt: skip
def test_what_an_sftp_host_does_not_give_is_named(
    path: str, expected: FailureReason, from_sftp: Fetcher, server: SftpSite, tmp_path: Path
) -> None:
    (tmp_path / "served" / "large").write_bytes(bytes(1001))
    (tmp_path / "served" / "empty").write_bytes(b"")
    assert reason(from_sftp, server.url(path)) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sftp://10.0.0.1/a.jpg", FailureReason.FORBIDDEN_ADDRESS), ("sftp://[::1]/a.jpg", FailureReason.FORBIDDEN_ADDRESS),
        ("sftp://[::ffff:10.0.0.1]/a.jpg", FailureReason.FORBIDDEN_ADDRESS), ("sftp://127.1/a.jpg", FailureReason.BAD_URL),
        ("sftp://8.8.8.8:25/a.jpg", FailureReason.BAD_URL), ("sftp://u:hunter2@h.example/a.jpg", FailureReason.BAD_URL),
    ],
)  # fmt: skip
def test_sftp_hosts_are_judged_as_all_others(
    url: str, expected: FailureReason, make_fetcher: MakeFetcher
) -> None:
    assert reason(make_fetcher(), url) is expected


def test_a_closed_fetcher_reads_nothing(from_stores: Fetcher) -> None:
    from_stores.close()
    assert reason(from_stores, "s3://pictures/1.jpg") is FailureReason.CONNECTION_FAILED
