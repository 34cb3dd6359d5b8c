"""The hosts file: what it takes, whom an entry is for, and that no message repeats a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrine.core.errors import BadInput
from vitrine.net.host_settings import NO_SETTINGS, Hosts, Proxy, basic_authorization
from vitrine.net.hosts_file import read_hosts
from vitrine.net.url import parse_url

ENVIRONMENT = {"PASSWORD": "hunter2", "BROKEN": "a\r\nX-Evil: 1"}


def read(tmp_path: Path, text: str) -> Hosts:
    file = tmp_path / "hosts.toml"
    file.write_text(text)
    return read_hosts(file, ENVIRONMENT)


def test_no_file_is_no_entries() -> None:
    assert read_hosts(None, {}).of(parse_url("http://a.example/")) is NO_SETTINGS


def test_everything_of_a_host_is_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    hosts = read(
        tmp_path,
        """
["Images.Shop.example"]
headers = { User-Agent = "shop/1", Referer = "https://shop.example/" }
basic_auth = { user = "feed", password = "{env:PASSWORD}" }
cookies = { session = "s-{env:PASSWORD}", b = "2" }
proxy = "http://u:p%40@proxy.example:3128/"
ca_file = "ca.pem"
""",
    )
    found = hosts.of(parse_url("https://images.shop.example/a.jpg"))
    assert found.headers == {
        "User-Agent": "shop/1",
        "Referer": "https://shop.example/",
        "Cookie": "session=s-hunter2; b=2",
        "Authorization": basic_authorization("feed", "hunter2"),
    }
    assert found.proxy == Proxy("proxy.example", 3128, "u", "p@")
    assert found.ca_file == str(tmp_path / "ca.pem")
    assert "hunter2" not in repr(hosts)
    assert "p@" not in repr(found)


@pytest.mark.parametrize(
    ("url", "agent"),
    [
        ("http://a.example/", "host"), ("http://a.example:8080/", "port"), ("https://a.example:9090/", "host"),
        ("http://b.a.example/", "below"), ("http://c.b.a.example/", "below"), ("http://xa.example/", None),
        ("http://example/", None), ("http://[2606:4700::1]/", "six"), ("http://[2606:4700::1]:81/", "six-port"),
        ("http://b\u00fccher.example/", "idn"), ("http://a.example.evil.example/", None),
    ],
)  # fmt: skip
def test_an_entry_is_for_the_host_that_it_names(
    url: str, agent: str | None, tmp_path: Path
) -> None:
    keys = {
        "a.example": "host", "a.example:8080": "port", "*.a.example": "below", "2606:4700::1": "six",
        "[2606:4700:0::1]:81": "six-port", "b\u00fccher.example": "idn",
    }  # fmt: skip
    text = "".join(f'["{key}"]\nheaders = {{ X = "{value}" }}\n' for key, value in keys.items())
    assert read(tmp_path, text).of(parse_url(url)).headers.get("X") == agent


def test_stores_and_sftp_hosts_have_options(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    hosts = read(
        tmp_path,
        """
["s3://pictures"]
endpoint = "http://127.0.0.1:9000"
allow_http = true
secret_access_key = "{env:PASSWORD}"
["sftp://files.example"]
user = "me"
password = "{env:PASSWORD}"
key_file = "key"
""",
    )
    assert hosts.stores["s3://pictures"] == {
        "endpoint": "http://127.0.0.1:9000",
        "allow_http": "true",
        "secret_access_key": "hunter2",
    }
    assert hosts.sftp_of("files.example", 22)["key_file"] == str(tmp_path / "key")
    assert hosts.sftp_of("other.example", 22) == {}
    assert "hunter2" not in repr(hosts)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('["a.example"]\nheader = {}', '["a.example"] header: not a key'),
        ('["a.example"]\nheaders = "x"', '["a.example"] headers: expected a table'),
        ('["a.example"]\nheaders = { A = 1 }', '["a.example"] headers.A: expected a text'),
        ('["a.example"]\nheaders = { "A B" = "1" }', "headers.A B: not a header's name"),
        ('["a.example"]\nheaders = { Host = "b" }', "headers.Host: this header is vitrine's own"),
        ('["a.example"]\nheaders = { Range = "b" }', "headers.Range: this header"),
        ('["a.example"]\nheaders = { A = "{env:BROKEN}" }', "headers.A: expected at most"),
        ('["a.example"]\nheaders = { A = "{env:NONE}" }', "variable NONE is not set"),
        (
            '["a.example"]\nheaders = { Cookie = "a" }\ncookies = { b = "c" }',
            "cookies: headers has",
        ),
        ('["a.example"]\ncookies = { b = "c; d" }', "cookies.b: not a cookie"),
        ('["a.example"]\nbasic_auth = { password = "hunter2" }', "basic_auth.user"),
        ('["a.example"]\nbasic_auth = { user = "a:b" }', "basic_auth.user"),
        ('["a.example"]\nbasic_auth = { name = "a" }', "basic_auth.name: not a key"),
        ('["a.example"]\nproxy = "socks5://a"', "proxy: expected http://host:port"),
        ('["a.example"]\nproxy = "http://a/hunter2"', "proxy: expected http://host:port"),
        ('["a.example"]\nca_file = "none.pem"', "ca_file: there is no file"),
        ('["https://a.example"]\n', "not a host, a bucket"),
        ('["file:///a"]\n', "not a host, a bucket"),
        ('["s3://a/b"]\n', "not a host, a bucket"),
        ('["a b"]\n', '["a b"]: the host is not a valid name'),
        ('["*.a.example:80"]\n', "port"),
        ('["a.example:0"]\n', "port"),
        ('["a.example"]\n["A.example"]\n', "two tables"),
        ('a = "hunter2"', '["a"]: expected a table'),
        ('["sftp://a.example"]\npasword = "hunter2"', "pasword: not a key"),
        ("[a", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_without_its_value(text: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "hosts.toml") in caught.value.message
    assert place in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert "Evil" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.toml cannot be read"):
        read_hosts(tmp_path / "none.toml", {})
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_hosts(tmp_path / "latin.toml", {})
