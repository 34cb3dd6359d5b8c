"""One table of URL schemes: who may use which scheme, and how files are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from producer import from_argument
from producer.source import OPENERS
from vitrine.core.errors import BadInput
from vitrine.core.schemes import (
    FILE,
    HTTP,
    HTTPS,
    ONLY_FETCHED,
    SCHEMES,
    file_url,
    is_allowed_in_requests,
    is_web_address,
    local_path,
    scheme_of,
    strip_data_url_prefix,
)
from workers.fetch.readers import READERS


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("http://h/a.jpg", HTTP),
        ("HTTPS://h/a.jpg", HTTPS),
        ("file:///a.jpg", FILE),
        ("file:/a.jpg", FILE),
        ("http:a.jpg", None),
        ("a/b.jpg", None),
        ("C:/b.jpg", None),
        ("gopher://h/a.jpg", None),
        ("", None),
    ],
)
def test_a_scheme_is_told_from_the_beginning(text: str, scheme: object) -> None:
    assert scheme_of(text) is scheme


def test_clients_name_pictures_at_hosts_only() -> None:
    assert is_allowed_in_requests("https://h/a.jpg")
    assert not any(
        map(is_allowed_in_requests, ("file:///a.jpg", "/a.jpg", "http:/h", "ftp://h/a.jpg"))
    )


def test_what_is_said_of_others_names_every_scheme_of_requests() -> None:
    assert ONLY_FETCHED == "only http:// and https:// URLs are fetched"


def test_browsers_show_what_is_on_the_web() -> None:
    assert is_web_address("https://h/a.jpg")
    assert not any(map(is_web_address, ("file:///a.jpg", "/a.jpg", "s3://bucket/a.jpg")))


def test_every_picture_source_is_fetched_over_http_or_has_a_reader() -> None:
    assert {name for name, scheme in SCHEMES.items() if not scheme.http_port} == set(READERS)


@pytest.mark.parametrize("name", ["plain.jpg", "with space # ? %.jpg", os.fsdecode(b"\xff.jpg")])
def test_a_path_comes_back_from_its_url(name: str) -> None:
    assert local_path(file_url(f"/catalog/{name}")) == f"/catalog/{name}"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file://host/a.jpg", "file:///absolute/path"),
        ("file:a.jpg", "file:///absolute/path"),
        ("file:///a.jpg?b", "no query"),
        ("file:///a.jpg#b", "no query"),
        ("file:///a%00.jpg", "control character"),
        ("file://[/a", "cannot be read"),
    ],
)
def test_a_file_url_that_names_no_file_says_why(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        local_path(url)


def test_the_prefix_of_browsers_is_taken_off_texts_and_bytes() -> None:
    assert strip_data_url_prefix("data:image/png;base64,AAAA") == "AAAA"
    assert strip_data_url_prefix(b"data:image/png;base64,AAAA") == b"AAAA"
    assert strip_data_url_prefix("AAAA") == "AAAA"


def test_a_catalog_is_opened_by_its_scheme(tmp_path: Path) -> None:
    assert set(OPENERS) <= set(SCHEMES)
    (tmp_path / "a.csv").write_text("id,image\n")
    assert from_argument(file_url(str(tmp_path / "a.csv"))).path == tmp_path / "a.csv"
    assert from_argument("https://shop.example/feed.csv").name == "https://shop.example/feed.csv"
    with pytest.raises(BadInput, match="absolute/path"):
        from_argument("file://host/feed.csv")
