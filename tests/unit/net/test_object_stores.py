"""Object stores: which object a URL names, how a catalog is read from one, what errors mean; S3 against moto's server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.unit.net.s3_server import KEYS, put, replace, s3_server
from tests.unit.workers.fetch.site import Site, answer
from vitrine.core.errors import BadInput
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net import object_stores
from vitrine.net.aws_profile import profile_options
from vitrine.net.host_settings import Hosts
from vitrine.net.object_stores import (
    ObjectDownload,
    ObjectName,
    ObjectStores,
    content,
    object_name,
)
from vitrine.net.store_errors import translated

MakeSite: TypeAlias = Callable[..., Site]
BODY = bytes(range(256)) * 100


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as at:
        put(at, "pictures", {"a b/ä#?%20+.jpg": b"odd", "feed.csv": BODY, "empty": b""})
        yield at


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def stores(
    table: Mapping[str, str], place: str = "s3://pictures", **environment: str
) -> ObjectStores:
    return ObjectStores(
        Hosts(stores={place: table}),
        {"HOME": "/nonexistent", **environment},
        connect_timeout=5,
        timeout=30,
    )


def get(found: ObjectStores, url: str) -> bytes:
    return content(found.get(object_name(url)))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("s3://b/a/c.jpg", ObjectName("s3", "b", "a/c.jpg")),
        ("GS://b.example/a%20b", ObjectName("gs", "b.example", "a b")),
        ("az://$root/a b#?x=1", ObjectName("az", "$root", "a b#?x=1")),
        ("s3://b/a%2Bb+%25%ff", ObjectName("s3", "b", "a%2Bb+%25%ff")),
        ("s3://b/a%2Bb+%25", ObjectName("s3", "b", "a+b+%")),
    ],
)
def test_a_url_names_an_object(url: str, found: ObjectName) -> None:
    assert object_name(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "s3://b", "s3://b/", "s3:///k", "s3://b/../c", "s3://b/a/%2e%2e/c", "s3://a..b/k", "s3://u:p@b/k", "s3://b:80/k",
        "s3://b/a//c", "s3://b/a\n", "s3://b/%00", "http://b/k", "s3://b\u00e4/k", "s3://b/" + "k" * 9000, "s3://b#@c/k",
    ],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ItemFailure) as caught:
        object_name(url)
    assert caught.value.reason is FailureReason.BAD_URL


def test_an_object_is_read_with_credentials_of_the_hosts_file(endpoint: str) -> None:
    found = stores({"endpoint": endpoint, **KEYS})
    assert get(found, "s3://pictures/a b/ä#?%2520+.jpg") == b"odd"


def test_credentials_and_endpoint_come_from_the_environment(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert get(stores({}, **environment), "s3://pictures/feed.csv") == BODY


def test_a_profile_is_read_from_aws_files(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[shop]\naws_access_key_id = a\naws_secret_access_key = hunter2\n"
    )
    (tmp_path / "config").write_text(
        f"[profile shop]\nregion = us-east-1\nendpoint_url = {endpoint}\n"
    )
    files = {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }
    assert get(stores({"profile": "shop"}, **files), "s3://pictures/feed.csv") == BODY
    assert get(stores({}, AWS_PROFILE="shop", **files), "s3://pictures/feed.csv") == BODY
    with pytest.raises(BadInput, match="no AWS profile 'none'"):
        get(stores({"profile": "none"}, **files), "s3://pictures/feed.csv")
    assert profile_options(None, files) == {}
    (tmp_path / "config").write_text("junk hunter2")
    with pytest.raises(BadInput) as caught:
        profile_options("shop", files)
    assert "hunter2" not in str(caught.value)


def reason(found: ObjectStores, url: str) -> ItemFailure:
    with pytest.raises(ItemFailure) as caught:
        get(found, url)
    assert "hunter2" not in str(caught.value)
    return caught.value


def test_what_is_missing_is_named(endpoint: str) -> None:
    found = ObjectStores(
        Hosts(
            stores={name: {"endpoint": endpoint, **KEYS} for name in ("s3://pictures", "s3://no")}
        ),
        {},
        connect_timeout=5,
        timeout=30,
    )
    assert "no such object" in reason(found, "s3://pictures/none").detail
    assert "no such bucket" in reason(found, "s3://no/none").detail
    assert reason(found, "s3://no/none").reason is FailureReason.NOT_FOUND


def test_a_store_that_is_not_there_is_a_transient_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_stores, "RETRY_SECONDS", 0.1)
    found = stores({"endpoint": "http://127.0.0.1:1", **KEYS})
    assert reason(found, "s3://pictures/a").reason is FailureReason.CONNECTION_FAILED


def test_no_credentials_are_told(sites: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_stores, "RETRY_SECONDS", 0.1)
    metadata = sites()
    found = stores({"metadata_endpoint": metadata.url().rstrip("/"), "region": "eu-central-1"})
    failure = reason(found, "s3://pictures/a")
    assert failure.reason is FailureReason.HTTP_ERROR
    assert "no credentials" in failure.detail


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, FailureReason.HTTP_ERROR), (401, FailureReason.HTTP_ERROR), (500, FailureReason.SERVER_ERROR),
        (503, FailureReason.RATE_LIMITED), (400, FailureReason.HTTP_ERROR),
    ],
)  # fmt: skip
def test_refusals_have_their_reason(
    status: int, expected: FailureReason, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_stores, "RETRY_SECONDS", 0)
    site.pages["/pictures/a"] = answer(status, b"<Error>hunter2</Error>")
    found = stores({"endpoint": site.url().rstrip("/"), **KEYS})
    assert reason(found, "s3://pictures/a").reason is expected


def test_an_unknown_option_is_named() -> None:
    failure = reason(stores({"secret": "hunter2"}), "s3://pictures/a")
    assert "unknown option 'secret'" in failure.detail


def test_google_and_azure_are_asked_for_their_objects(site: Site) -> None:
    at = site.url().rstrip("/")
    site.pages["/shelf/a%20b%2Ejpg"] = site.pages["/shelf/a%20b.jpg"] = answer(
        200, b"gs", ETag='"1"', Last_Modified="Tue, 01 Dec 2026 00:00:00 GMT"
    )
    account = json.dumps(
        {
            "gcs_base_url": at,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
    )
    google = stores({"service_account_key": account, "allow_http": "true"}, "gs://shelf")
    assert get(google, "gs://shelf/a b.jpg") == b"gs"
    azure = stores({"endpoint": at, "account_name": "shop", "skip_signature": "true"}, "az://shelf")
    assert get(azure, "az://shelf/a b.jpg") == b"gs"


def test_a_catalog_is_read_piece_by_piece(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_stores, "PIECE", 1000)
    found = stores({"endpoint": endpoint, **KEYS})
    name = object_name("s3://pictures/feed.csv")
    with ObjectDownload(found, name, max_bytes=len(BODY)) as opened:
        assert b"".join(iter(lambda: opened.read(777), b"")) == BODY
        assert opened.version
    with pytest.raises(ItemFailure, match="more than 100 bytes"):
        ObjectDownload(found, name, max_bytes=100)
    with ObjectDownload(found, object_name("s3://pictures/empty"), max_bytes=100) as opened:
        assert opened.read(10) == b""


def test_another_version_is_not_joined(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_stores, "PIECE", 1000)
    put(endpoint, "changing", {"feed.csv": BODY})
    found = stores({"endpoint": endpoint, **KEYS}, "s3://changing")
    with ObjectDownload(found, object_name("s3://changing/feed.csv"), max_bytes=2**20) as opened:
        opened.read(10)
        replace(endpoint, "changing", {"feed.csv": BODY[::-1]})
        with pytest.raises(OSError, match="changed while it was read, after 1,000 bytes"):
            opened.readall()


def test_no_text_of_the_library_is_repeated() -> None:
    errors: list[Exception] = [RuntimeError("https://x/?sig=hunter2"), ValueError("hunter2")]
    assert all("hunter2" not in str(translated(error)) for error in errors)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    modules: dict[str, Any] = {"obstore": None, "obstore.store": None}
    for name, value in modules.items():
        monkeypatch.setitem(sys.modules, name, value)
    with pytest.raises(BadInput, match="obstore, which is not installed"):
        get(stores({}), "s3://pictures/a")
