"""Catalogs in object stores and on SFTP hosts, and who may name pictures there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from producer import CatalogOptions, from_argument, open_catalog
from producer.catalog import catalog_of
from producer.formats import Format
from tests.unit.net.s3_server import put, s3_server
from tests.unit.net.sftp_server import PASSWORD, USER, SftpSite
from vitrine.core.errors import BadInput
from vitrine.core.load_settings import load
from vitrine.core.types import CatalogItem, RejectedRow

CSV = b"id,image\na,https://h.example/a.jpg\nb,s3://shop/b c.jpg\n"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as at:
        put(at, "feeds", {"daily/feed.csv": CSV, "empty.csv": b""})
        yield at


@pytest.fixture(autouse=True)
def hosts_file(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "served").mkdir()
    file = tmp_path / "hosts.toml"
    file.write_text(
        f"""
["s3://feeds"]
endpoint = "{endpoint}"
region = "us-east-1"
access_key_id = "AKIA"
secret_access_key = "{{env:SECRET}}"
["s3://none"]
endpoint = "{endpoint}"
access_key_id = "AKIA"
secret_access_key = "{{env:SECRET}}"
["sftp://127.0.0.1"]
user = "{USER}"
password = "{{env:SECRET}}"
known_hosts = "known_hosts"
"""
    )
    (tmp_path / "known_hosts").write_text("")
    monkeypatch.setenv("SECRET", PASSWORD)
    monkeypatch.setenv("VITRINE_HOSTS_FILE", str(file))
    monkeypatch.setenv("VITRINE_FETCH_ALLOW", "127.0.0.1")
    return file


def read(url: str, **options: object) -> tuple[str, Format | None, list[CatalogItem | RejectedRow]]:
    chosen = CatalogOptions(allow_files=True, places=None, **options)  # type: ignore[arg-type]
    with open_catalog(from_argument(url), chosen) as catalog:
        return catalog.name, catalog.format, list(catalog)


def test_a_catalog_is_read_from_a_store() -> None:
    name, found, rows = read("s3://feeds/daily/feed.csv")
    assert (name, found) == ("s3://feeds/daily/feed.csv", Format.CSV)
    assert [row.images for row in rows if isinstance(row, CatalogItem)] == [
        ("https://h.example/a.jpg",),
        ("s3://shop/b%20c.jpg",),
    ]


def test_a_catalog_is_read_from_an_sftp_host(tmp_path: Path) -> None:
    (tmp_path / "served" / "feed 1.csv").write_bytes(CSV)
    server = SftpSite(tmp_path / "served", tmp_path / "known_hosts")
    try:
        name, found, rows = read(f"sftp://feed@127.0.0.1:{server.port}/feed 1.csv")
    finally:
        server.stop()
    assert name == f"sftp://127.0.0.1:{server.port}/feed 1.csv"
    assert (found, len(rows)) == (Format.CSV, 2)


def test_an_unknown_host_says_what_to_do(tmp_path: Path) -> None:
    server = SftpSite(tmp_path / "served", tmp_path / "other")
    try:
        with pytest.raises(BadInput) as caught:
            read(f"sftp://127.0.0.1:{server.port}/feed.csv")
    finally:
        server.stop()
    assert "known_hosts" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://feeds/none.csv", "no such object"),
        ("s3://none/feed.csv", "no such bucket"),
        ("s3://feeds/empty.csv", "rows"),
        ("s3://feeds", "scheme://bucket/key"),
        ("az://feeds/feed.csv", "AZURE_STORAGE_ACCOUNT_NAME"),
        ("sftp://u:hunter2@h.example/feed.csv", "hosts file"),
        ("sftp://10.0.0.1/feed.csv", "VITRINE_FETCH_ALLOW"),
    ],
)
def test_what_is_wrong_is_named_without_secrets(
    url: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"):
        monkeypatch.delenv(name, raising=False)
    if url.startswith("sftp://10"):
        monkeypatch.setenv("VITRINE_FETCH_ALLOW", "")
    with pytest.raises(BadInput) as caught:
        read(url)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def pictures(image: str, **options: object) -> str:
    chosen = CatalogOptions(id="id", images=("image",), **options)  # type: ignore[arg-type]
    (row,) = catalog_of([{"id": "a", "image": image}], chosen)
    return row.images[0] if isinstance(row, CatalogItem) else row.message


@pytest.mark.parametrize("place", ["s3://shop", "gs://shop", "az://shop", "sftp://files.example"])
def test_a_client_names_pictures_at_allowed_places_only(place: str) -> None:
    assert "VITRINE_REQUEST_PLACES" in pictures(f"{place}/a.jpg")
    assert "VITRINE_REQUEST_PLACES" in pictures(f"{place.upper()}/a.jpg", places=("s3://other",))
    assert pictures(f"{place}/a.jpg", places=(place,)) == f"{place}/a.jpg"
    assert pictures(f"{place}/a.jpg", places=None) == f"{place}/a.jpg"


def test_a_client_reaches_no_place_through_the_image_root() -> None:
    with pytest.raises(BadInput, match="VITRINE_REQUEST_PLACES"):
        pictures("a.jpg", image_root="s3://shop/x")
    allowed = pictures("a b.jpg", image_root="s3://shop/x", places=("s3://shop",))
    assert allowed == "s3://shop/x/a%20b.jpg"
    assert "s3://shop" in pictures("s3://shop/a.jpg", image_root="https://h.example/")


@pytest.mark.parametrize("value", ["shop", "https://h.example", "s3://shop/key", "s3://"])
def test_a_place_is_named_as_a_url_names_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_REQUEST_PLACES", f"s3://good,{value}")
    with pytest.raises(BadInput, match="VITRINE_REQUEST_PLACES"):
        load()
