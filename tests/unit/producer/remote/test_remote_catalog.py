"""Catalogs at http(s) URLs: read as files are, under the rules of pictures, and never naming a secret."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from producer import CatalogOptions, from_argument, open_catalog
from producer.formats import Format
from producer.remote.catalog import SUFFIXES_BY_MEDIA_TYPE
from tests.unit.workers.fetch.conftest import site, sites
from tests.unit.workers.fetch.site import Site, answer, redirect
from vitrine.core.errors import BadInput, Unavailable, VitrineError
from vitrine.core.types import CatalogItem, RejectedRow
from vitrine.net.host_settings import basic_authorization
from vitrine.net.url import shown_url

__all__ = ["site", "sites"]
MakeSite: TypeAlias = Callable[..., Site]
CSV = b"id,image\na,https://h.example/a.jpg\nb,https://h.example/b.jpg\n"


@pytest.fixture(autouse=True)
def settings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_FETCH_ALLOW", site.authority)
    monkeypatch.setattr("vitrine.net.http_download.time.sleep", lambda _: None)


def read(url: str) -> tuple[str, Format | None, list[CatalogItem | RejectedRow]]:
    source = from_argument(url)
    with open_catalog(source, CatalogOptions(allow_files=True)) as catalog:
        return catalog.name, catalog.format, list(catalog)


def ids(url: str) -> list[str]:
    return [row.id if isinstance(row, CatalogItem) else row.code for row in read(url)[2]]


def test_a_url_is_read_like_a_file(site: Site) -> None:
    site.pages["/feed.csv"] = answer(200, CSV, Content_Type="application/octet-stream")
    name, found, rows = read(site.url("/feed.csv"))
    assert (name, found, len(rows)) == (site.url("/feed.csv"), Format.CSV, 2)


def test_a_packed_file_is_unpacked_named_or_sent_as_such(site: Site) -> None:
    packed = gzip.compress(CSV)
    site.pages["/feed.csv.gz"] = answer(200, packed)
    site.pages["/feed.csv"] = answer(200, packed, Content_Encoding="gzip")
    assert ids(site.url("/feed.csv.gz")) == ids(site.url("/feed.csv")) == ["a", "b"]


JSONL = b'{"id": "a", "image": "https://h.example/a.jpg"}\n'
TABS = CSV.replace(b",", b"\t")


@pytest.mark.parametrize(
    ("path", "body", "fields", "expected"),
    [
        ("/x.tsv", TABS, {"Content_Type": "text/csv"}, Format.TSV),
        ("/export.php", TABS, {"Content_Type": "Text/Tab-Separated-Values; charset=utf-8"}, Format.TSV),
        ("/export.php", JSONL, {"Content_Type": "text/plain"}, Format.JSONL),
        ("/export.php", JSONL, {"Content_Disposition": 'attachment; filename="a.jsonl"', "Content_Type": "text/csv"}, Format.JSONL),
        ("/export", CSV, {}, Format.CSV),
        ("/export", b"https://h.example/a.jpg\n", {"Content_Type": "text/html"}, Format.URLS),
    ],
)  # fmt: skip
def test_the_format_is_told_by_path_then_names_then_bytes(
    path: str, body: bytes, fields: dict[str, str], expected: Format, site: Site
) -> None:
    site.pages[path] = answer(200, body, **fields)
    assert read(site.url(path))[1] is expected


def test_a_redirects_end_names_the_format(site: Site) -> None:
    site.pages["/latest"] = redirect("/feed 1.tsv")
    site.pages["/feed%201.tsv"] = answer(200, TABS)
    assert read(site.url("/latest"))[1] is Format.TSV


def test_media_types_stand_for_suffixes() -> None:
    assert all(suffix.startswith(".") for suffix in SUFFIXES_BY_MEDIA_TYPE.values())


def test_no_secret_is_in_the_source_or_in_a_message(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_FEED_AUTH", "feed:hunter2")
    site.pages["/feed.csv?sig=hunter2"] = answer(200, CSV + b"broken")
    name, _, rows = read(site.url("/feed.csv?sig=hunter2#hunter2"))
    assert name == site.url("/feed.csv")
    assert isinstance(rows[-1], RejectedRow)
    assert "hunter2" not in str(rows[-1])
    assert f"Authorization: {basic_authorization('feed', 'hunter2')}" in site.heads[0]
    for page in (answer(404), answer(403), answer(503), answer(200), b"junk\r\n\r\n"):
        site.pages["/feed.csv?sig=hunter2"] = page
        with pytest.raises(VitrineError) as caught:
            read(site.url("/feed.csv?sig=hunter2"))
        assert site.url("/feed.csv") in str(caught.value)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("page", "error", "says"),
    [
        (answer(404), BadInput, "returned 404. Check the URL"),
        (answer(401), BadInput, "VITRINE_FEED_AUTH"),
        (answer(403), BadInput, "VITRINE_HOSTS_FILE"),
        (answer(503), Unavailable, "Try again"),
        (answer(429, Retry_After="5"), Unavailable, "Try again"),
        (redirect("http://169.254.169.254/"), BadInput, "VITRINE_FETCH_ALLOW"),
        (redirect("http://u:hunter2@h.example/"), BadInput, "user name"),
        (answer(200, b"<!DOCTYPE html><html>", Content_Type="text/html"), BadInput, "web page"),
        (answer(200, b""), BadInput, "rows"),
    ],
)
def test_what_is_wrong_says_what_to_do(
    page: bytes, error: type[VitrineError], says: str, site: Site
) -> None:
    site.pages["/feed"] = page
    with pytest.raises(error) as caught:
        read(site.url("/feed"))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://user:hunter2@shop.example/feed.csv", "VITRINE_FEED_AUTH"),
        ("http://user:hunt/er2@shop.example/feed.csv", "cannot be read"),
        ("http://10.0.0.1/feed.csv?hunter2", "VITRINE_FETCH_ALLOW"),
        ("http://[::ffff:10.0.0.1]/feed.csv", "VITRINE_FETCH_ALLOW"),
        ("http://shop.example:22/feed.csv", "port 22"),
        ("http:///feed.csv", "no host"),
    ],
)
def test_urls_are_judged_as_those_of_pictures(url: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(url)
    assert says in str(caught.value)
    assert "hunt" not in str(caught.value)
    assert "er2" not in str(caught.value)


def test_a_file_too_large_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_FEED_MAX_BYTES", "20")
    site.pages["/feed.csv"] = answer(200, CSV)
    with pytest.raises(BadInput, match="VITRINE_FEED_MAX_BYTES"):
        read(site.url("/feed.csv"))


def test_a_feed_that_breaks_off_is_told_with_its_line(site: Site) -> None:
    rows = CSV + b"".join(b"c%d,https://h.example/c.jpg\n" % number for number in range(100_000))
    site.pages["/feed.csv"] = lambda connection: connection.sendall(
        answer(200, rows[:-100_000], Content_Length=str(len(rows)))
    )
    last = read(site.url("/feed.csv"))[2][-1]
    assert isinstance(last, RejectedRow)
    assert last.code == "unreadable"
    assert "the connection broke, after" in last.message


def test_a_file_that_changes_between_two_readings_is_refused(site: Site) -> None:
    site.pages["/feed.csv"] = answer(200, CSV, ETag='"1"')
    source = from_argument(site.url("/feed.csv"), rereadable=True)
    for _ in range(2):
        with open_catalog(source) as catalog:
            assert len(list(catalog)) == 2
    site.pages["/feed.csv"] = answer(200, CSV, ETag='"2"')
    with pytest.raises(BadInput, match="changed between two readings"):
        open_catalog(source)


def test_a_hosts_entry_is_sent(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text('["127.0.0.1"]\nheaders = { User-Agent = "shop/1", X-Key = "{env:KEY}" }\n')
    monkeypatch.setenv("VITRINE_HOSTS_FILE", str(file))
    with pytest.raises(BadInput, match="KEY is not set"):
        from_argument(site.url("/feed.csv"))
    monkeypatch.setenv("KEY", "k1")
    site.pages["/feed.csv"] = answer(200, CSV)
    assert ids(site.url("/feed.csv")) == ["a", "b"]
    assert "X-Key: k1" in site.heads[0]
    assert "User-Agent: shop/1" in site.heads[0]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("HTTPS://shop.example/a/feed.csv?sig=x#y", "https://shop.example/a/feed.csv"),
        ("https://u:p@shop.example/a", "https://shop.example/a"),
        ("https://u:p/w@shop.example/a", "https://shop.example/a"),
        ("https://u:p@w@shop.example/a", "https://shop.example/a"),
        ("https://shop.example:8443/@me/a", "https://shop.example:8443/@me/a"),
        ("s3://bucket/a b.csv", "s3://bucket/a b.csv"),
        ("sftp://me@h/a\nb", "sftp://h/ab"),
        ("no url", "a URL that cannot be read"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
