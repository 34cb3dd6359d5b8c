from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.rules import AddressRules
from vitrine.net.url import MAX_URL, follow_url, parse_host, parse_url


@pytest.mark.parametrize(
    ("text", "url", "authority"),
    [
        ("http://Example.COM", "http://example.com/", "example.com:80"),
        ("https://example.com.:443/a#part", "https://example.com/a", "example.com:443"),
        ("HTTPS://example.com:8443/a?b=c&d", "https://example.com:8443/a?b=c&d", "example.com:8443"),
        ("http://example.com:/", "http://example.com/", "example.com:80"),
        ("http://bücher.example/ä?ö=ü", "http://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC", "xn--bcher-kva.example:80"),
        ("http://a_b.example/%20%C3%A4", "http://a_b.example/%20%C3%A4", "a_b.example:80"),
        ("http://[2606:4700::0:1]:81/", "http://[2606:4700::1]:81/", "2606:4700::1:81"),
        ("http://8.8.8.8/x", "http://8.8.8.8/x", "8.8.8.8:80"),
        ("http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/", "http://127.0.0.1/", "127.0.0.1:80"),
        ("http://127\u30020\u30020\u30021/", "http://127.0.0.1/", "127.0.0.1:80"),
    ],
)  # fmt: skip
def test_a_good_url_is_put_together_anew(text: str, url: str, authority: str) -> None:
    target = parse_url(text)
    assert (target.url, target.authority) == (url, authority)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "only http"), ("example.com/a.jpg", "only http"), ("ftp://example.com/", "only http"),
        ("gopher://example.com/", "only http"), ("data:image/png;base64,AAAA", "only http"),
        ("http:///a", "no host"), ("http:example.com", "no host"), ("http://", "no host"),
        ("http://user@example.com/", "user name"), ("http://user:pw@example.com/", "user name"),
        ("http://@example.com/", "user name"), ("http://a b.example/", "space"),
        ("http://example.com/a b", "space"), ("http://example.com/\n", "space"),
        ("http://example.com/\x00", "space"), ("http://exa\u00adm.com/\u200b", "space"),
        ("http://example.com/\ud800", "space"), ("http://example.com\\@evil/", "backslash"),
        ("http://127.1/", "number"), ("http://0x7f.0.0.1/", "number"), ("http://2130706433/", "number"),
        ("http://0177.0.0.1/", "number"), ("http://1.2.3.4.5/", "number"), ("http://256.1.1.1/", "number"),
        ("http://foo.0x/", "number"), ("http://\u0661٢\u0667.0.0.1/", "name"), ("http://ex%61mple.com/", "no host"),
        ("http://-a.example/", "name"), ("http://a..example/", "name"), ("http://./", "name"),
        (f"http://{'a' * 64}.example/", "name"), (f"http://{'a.' * 127}example/", "name"),
        ("http://[fe80::1%25eth0]/", "cannot be read"), ("http://[::1/", "cannot be read"),
        ("http://[1.2.3.4]/", ""), ("http://[v1.x]/", ""), ("http://::1/", "no host"),
        ("http://example.com:0/", "port"), ("http://example.com:65536/", "port"),
        ("http://example.com:8a/", "no host"), ("http://example.com:\uff18\uff10/", ""),
        ("http://example.com/" + "a" * MAX_URL, "longer"),
    ],
)  # fmt: skip
def test_a_bad_url_is_refused_and_says_why(text: str, part: str) -> None:
    with pytest.raises(ItemFailure) as caught:
        parse_url(text)
    assert caught.value.reason is FailureReason.BAD_URL
    assert part in caught.value.detail


def test_a_password_is_not_repeated_in_the_failure() -> None:
    with pytest.raises(ItemFailure) as caught:
        parse_url("http://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://example.com/b"), ("c", "https://example.com/a/c"), ("?x", "https://example.com/a/b?x"),
        ("//other.example/x", "https://other.example/x"), ("http://other.example", "http://other.example/"),
    ],
)  # fmt: skip
def test_a_redirect_is_read_from_where_it_stands(location: str, url: str) -> None:
    assert follow_url(parse_url("https://example.com/a/b"), location).url == url


_PIECES = st.sampled_from(
    [
        "http://", "https://", "//", "/", "\\", "@", ":", ".", "..", "[", "]", "%", "?", "#", "127.0.0.1", "::1", "0x7f",
        "1", "80", "a.example", "ü", "\uff11", "\u3002", "\t", "\x00", "xn--", "\u202e", "file:", " ",
    ]
)  # fmt: skip
_URLS = st.text(max_size=60) | st.lists(_PIECES | st.text(max_size=3), max_size=9).map("".join)


@given(_URLS, _URLS)
def test_random_urls_are_taken_or_refused_by_name(text: str, location: str) -> None:
    for prefix in ("", "http://", "https://a.example/"):
        with contextlib.suppress(ItemFailure):  # no other exception
            target = parse_url(prefix + text)
            AddressRules().check(target)
            follow_url(target, location)


@given(_URLS)
def test_what_is_taken_reads_the_same_a_second_time(text: str) -> None:
    try:
        target = parse_url("http://" + text)
    except ItemFailure:
        return
    assert target.url.isascii()
    assert target.url.isprintable()
    assert urlsplit(target.url).hostname == target.host
    assert parse_url(target.url) == target


@given(st.text(max_size=80))
def test_random_hosts_are_taken_or_refused_by_name(text: str) -> None:
    try:
        host = parse_host(text)
    except ItemFailure:
        return
    assert parse_host(f"[{host}]" if ":" in host else host) == host
