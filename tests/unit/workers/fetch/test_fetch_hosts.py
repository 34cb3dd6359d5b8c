"""The hosts file in the fetcher: each host gets its own entry, no other host anything of it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.patience import PATIENCE
from tests.unit.workers.fetch.site import Site, answer, redirect
from tests.unit.workers.fetch.test_fetch_attacks import certificate, pin
from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.host_settings import Hosts, HostSettings, Proxy, basic_authorization
from workers.fetch import Fetcher, FetchPolicy

__all__ = ["certificate"]
MakeSite: TypeAlias = Callable[..., Site]
MakeFetcher: TypeAlias = Callable[..., Fetcher]


def entry(**headers: str) -> HostSettings:
    return HostSettings({name.replace("_", "-"): value for name, value in headers.items()})


def test_an_entry_reaches_its_host_and_no_other_also_after_redirects(
    sites: MakeSite, make_fetcher: MakeFetcher
) -> None:
    first, second = sites(), sites()
    own = entry(User_Agent="shop/1", Authorization="Bearer t", Cookie="a=b", Accept="*/*", X_No="")
    fetcher = make_fetcher(
        first.authority, second.authority, hosts=Hosts({first.authority: own}), concurrency=1
    )
    first.pages["/"] = redirect(second.url("/b"))
    first.pages["/again"] = answer(200, b"again")
    second.pages["/b"] = redirect(first.url("/again"))
    assert fetcher.fetch(first.url()).result(PATIENCE).data == b"again"
    for head in first.heads:
        assert head.split("\r\n")[2:] == [
            "Accept-Encoding: identity",
            "User-Agent: shop/1",
            "Authorization: Bearer t",
            "Cookie: a=b",
            "Accept: */*",
            "X-No:",
        ]
    assert "shop/1" not in second.heads[0]
    assert "Bearer" not in second.heads[0]
    assert "Accept: image/*" in second.heads[0]


def test_a_proxy_is_asked_for_its_hosts_only(sites: MakeSite, make_fetcher: MakeFetcher) -> None:
    proxy, site = sites(), sites()
    proxy.pages["http://shop.example/a"] = answer(200, b"by proxy")
    proxy.pages["http://shop.example/b"] = redirect(site.url("/c"))
    site.pages["/c"] = answer(200, b"direct")
    behind = HostSettings({"X-Key": "k"}, proxy=Proxy("127.0.0.1", proxy.port, "u", "p"))
    fetcher = make_fetcher(site.authority, hosts=Hosts({"shop.example": behind}), concurrency=1)
    assert fetcher.fetch("http://shop.example/a").result(PATIENCE).data == b"by proxy"
    assert fetcher.fetch("http://shop.example/b").result(PATIENCE).data == b"direct"
    assert f"Proxy-Authorization: {basic_authorization('u', 'p')}" in proxy.heads[0]
    assert "Proxy-Authorization" not in site.heads[0]
    assert "X-Key" not in site.heads[0]
    error = fetcher.fetch("http://127.0.0.1:1025/").exception(PATIENCE)
    assert isinstance(error, ItemFailure)
    assert error.reason is FailureReason.FORBIDDEN_ADDRESS


def test_a_tunnel_keeps_the_hosts_headers_from_the_proxy(
    sites: MakeSite, make_fetcher: MakeFetcher, certificate: tuple[Path, Path]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    secure = sites({"/a": answer(200, b"secret")}, tls=context)

    def tunnel(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connected\r\nETag: proxy\r\n\r\n")
        with socket.create_connection(("127.0.0.1", secure.port)) as there:
            back = threading.Thread(target=_carry, args=(there, connection))
            back.start()
            _carry(connection, there)
            there.shutdown(socket.SHUT_RDWR)
            back.join()

    proxy = sites({f"localhost:{secure.port}": tunnel})
    own = HostSettings({"X-Key": "k"}, Proxy("127.0.0.1", proxy.port), str(certificate[0]))
    fetcher = make_fetcher("localhost", hosts=Hosts({"localhost": own}))
    fetched = fetcher.fetch(f"https://localhost:{secure.port}/a").result(PATIENCE)
    assert (fetched.data, fetched.etag) == (b"secret", None)
    assert "X-Key: k" in secure.heads[0]
    assert "X-Key" not in proxy.heads[0]
    fetcher.close()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return


def test_a_ca_file_is_trusted_for_its_host_only(
    sites: MakeSite,
    make_fetcher: MakeFetcher,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    secure = sites({"/a": answer(200, b"secret")}, tls=context)
    pin(monkeypatch, f"other.example:{secure.port}:127.0.0.1")
    hosts = Hosts({"localhost": HostSettings(ca_file=str(certificate[0]))})
    fetcher = make_fetcher("127.0.0.1/32", "localhost", hosts=hosts, concurrency=1)
    assert fetcher.fetch(f"https://localhost:{secure.port}/a").result(PATIENCE).data == b"secret"
    error = fetcher.fetch(f"https://other.example:{secure.port}/a").exception(PATIENCE)
    assert isinstance(error, ItemFailure)
    assert error.reason is FailureReason.HTTP_ERROR
    assert fetcher.fetch(f"https://localhost:{secure.port}/a").result(PATIENCE).data == b"secret"


def test_the_file_is_read_with_the_policy(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text('["a.example"]\nheaders = { X = "{env:VITRINE_TEST_NONE}" }\n')
    with pytest.raises(BadInput, match="VITRINE_TEST_NONE"):
        FetchPolicy.from_settings(Settings(hosts_file=file))


def test_a_redirect_is_mended(site: Site, fetcher: Fetcher) -> None:
    site.pages["/"] = redirect(" /a b/\xe4.jpg?c d ".encode().decode("latin-1"))
    site.pages["/a%20b/%C3%A4.jpg?c%20d"] = answer(200, b"x")
    assert fetcher.fetch(site.url()).result(PATIENCE).data == b"x"
