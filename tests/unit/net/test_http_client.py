"""The client for catalogs: whom it connects to, what it sends to whom, and what failures mean."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.unit.net.conftest import MakeClient
from tests.unit.workers.fetch.site import Site, answer, redirect
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.host_settings import Hosts, HostSettings, Proxy, basic_authorization
from vitrine.net.http_client import HttpAnswer, HttpClient, Validators

MakeSite: TypeAlias = Callable[..., Site]
SECRET = basic_authorization("feed", "hunter2")


def whole(opened: HttpAnswer) -> bytes:
    with closing(opened):
        return b"".join(iter(lambda: opened.read(65536), b""))


def reason(client: HttpClient, url: str, **options: Any) -> FailureReason:
    with pytest.raises(ItemFailure) as caught:
        client.get(url, **options)
    return caught.value.reason


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Have every name resolve to one address after the other; the names that were asked for are kept."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **options: Any) -> Any:
        asked.append(host)
        return real(answers[min(len(asked), len(answers)) - 1], port, *args, **options)

    monkeypatch.setattr("vitrine.net.connecting.socket.getaddrinfo", resolve)
    return asked


def test_a_document_is_read_with_the_urls_host(site: Site, make_client: MakeClient) -> None:
    site.pages["/feed.csv?a=b%20c"] = answer(
        200, b"id,image\n", Content_Type="text/csv", ETag='"1"'
    )
    opened = make_client(site.authority).get(site.url("/feed.csv?a=b%20c#top"))
    assert (opened.status, opened.header("Content-Type")) == (200, "text/csv")
    assert opened.validators == Validators('"1"', None)
    assert opened.length == 9
    assert whole(opened) == b"id,image\n"
    head = site.heads[0].lower()
    assert f"host: {site.authority}" in head
    assert "accept-encoding: identity" in head
    assert "user-agent: vitrine/" in head


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[fd00::1]/",
        "http://[fe80::1]/", "http://168.63.129.16/", "http://192.168.1.1:8080/", "http://[2002:7f00:1::]/",
    ],
)  # fmt: skip
def test_internal_addresses_are_refused(url: str, make_client: MakeClient) -> None:
    assert reason(make_client(), url) is FailureReason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw@shop.example/", "http://127.1/", "http://0x7f000001/", "http://2130706433/", "file:///etc/passwd",
        "gopher://shop.example/", "http://shop.example:22/", "http://a\\@b/", "http://shop.example:6379@127.0.0.1/",
    ],
)  # fmt: skip
def test_urls_that_two_parsers_read_differently_are_refused(
    url: str, make_client: MakeClient
) -> None:
    assert reason(make_client(), url) is FailureReason.BAD_URL


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"])
def test_a_name_that_resolves_to_the_inside_is_refused(
    address: str, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, address)
    assert reason(make_client(), "http://rebind.example/") is FailureReason.FORBIDDEN_ADDRESS


def test_a_name_is_resolved_once_so_rebinding_leads_nowhere(
    site: Site, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/"] = answer(200, b"inside")
    # The first answer is judged and used; the second, of the inside, is never asked for.
    asked = resolve_to(monkeypatch, "192.0.2.1", "127.0.0.1")
    client = make_client("192.0.2.0/24", connect_timeout=0.05)
    assert reason(client, f"http://rebind.example:{site.port}/") in (
        FailureReason.TIMEOUT,
        FailureReason.CONNECTION_FAILED,
    )
    assert asked == ["rebind.example"]
    assert site.connections == 0


def test_of_several_addresses_only_admitted_ones_are_connected_to(
    site: Site, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/"] = answer(200, b"x")
    places = [(socket.AF_INET6, 1, 6, "", ("::1", site.port, 0, 0))]
    places += [(socket.AF_INET, 1, 6, "", ("127.0.0.1", site.port))]  # type: ignore[list-item]
    monkeypatch.setattr("vitrine.net.connecting.socket.getaddrinfo", lambda *_, **__: places)
    opened = make_client("127.0.0.1/32").get(f"http://mixed.example:{site.port}/")
    assert whole(opened) == b"x"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest", "//10.0.0.1/x", "http://[::ffff:127.0.0.1]/", "http://127.0.0.1:1024/",
    ],
)  # fmt: skip
def test_a_redirect_to_the_inside_is_refused(
    location: str, site: Site, make_client: MakeClient
) -> None:
    site.pages["/"] = redirect(location)
    assert reason(make_client(site.authority), site.url()) is FailureReason.FORBIDDEN_ADDRESS


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://u:p@h/", "ftp://h/", "s3://b/k"]
)
def test_a_redirect_to_another_scheme_or_with_a_user_is_refused(
    location: str, site: Site, make_client: MakeClient
) -> None:
    site.pages["/"] = redirect(location)
    assert reason(make_client(site.authority), site.url()) is FailureReason.BAD_URL


def test_redirects_are_followed_mended_and_counted(site: Site, make_client: MakeClient) -> None:
    site.pages["/"] = redirect(" /a b/\xe4.csv ".encode().decode("latin-1"))
    site.pages["/a%20b/%C3%A4.csv"] = answer(200, b"there")
    client = make_client(site.authority)
    opened = client.get(site.url())
    assert opened.target.url == site.url("/a%20b/%C3%A4.csv")
    assert whole(opened) == b"there"
    site.pages["/loop"] = redirect("/loop")
    assert reason(client, site.url("/loop")) is FailureReason.TOO_MANY_REDIRECTS
    for number in range(5):
        site.pages[f"/{number}"] = redirect(f"/{number + 1}")
    assert reason(client, site.url("/0")) is FailureReason.TOO_MANY_REDIRECTS


def test_credentials_reach_their_own_host_only(sites: MakeSite, make_client: MakeClient) -> None:
    first, second = sites(), sites()
    first.pages["/"] = redirect("/again")
    first.pages["/again"] = redirect(second.url("/x"))
    second.pages["/x"] = answer(200, b"x")
    hosts = Hosts({f"127.0.0.1:{first.port}": HostSettings({"X-Key": "k1", "Cookie": "a=b"})})
    client = make_client(first.authority, second.authority, hosts=hosts)
    whole(client.get(first.url(), authorization=SECRET))
    assert all("X-Key: k1" in head and SECRET in head for head in first.heads)
    assert "X-Key" not in second.heads[0]
    assert "Cookie" not in second.heads[0]
    assert "Authorization" not in second.heads[0]


def test_a_hosts_entry_counts_more_than_what_all_get(site: Site, make_client: MakeClient) -> None:
    site.pages["/"] = answer(200, b"x")
    hosts = Hosts(
        {"127.0.0.1": HostSettings({"user-agent": "shop/1", "AUTHORIZATION": "Bearer t"})}
    )
    whole(make_client(site.authority, hosts=hosts).get(site.url(), authorization=SECRET))
    head = site.heads[0]
    assert "user-agent: shop/1" in head
    assert "vitrine/" not in head
    assert "AUTHORIZATION: Bearer t" in head
    assert SECRET not in head


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, FailureReason.NOT_FOUND), (401, FailureReason.HTTP_ERROR), (403, FailureReason.HTTP_ERROR),
        (429, FailureReason.RATE_LIMITED), (503, FailureReason.SERVER_ERROR), (304, FailureReason.HTTP_ERROR),
        (302, FailureReason.HTTP_ERROR),
    ],
)  # fmt: skip
def test_other_statuses_are_failures(
    status: int, expected: FailureReason, site: Site, make_client: MakeClient
) -> None:
    site.pages["/"] = answer(status, b"" if status == 304 else b"no", Retry_After="7")
    with pytest.raises(ItemFailure) as caught:
        make_client(site.authority).get(site.url())
    assert caught.value.reason is expected
    assert str(status) in caught.value.detail
    assert caught.value.retry_after == (7 if status in (429, 503) else None)


def test_a_version_that_is_still_current_is_not_sent_again(
    site: Site, make_client: MakeClient
) -> None:
    site.pages["/"] = answer(304, ETag='"1"', Content_Length="")
    client = make_client(site.authority)
    opened = client.get(site.url(), seen=Validators('"1"', None))
    assert opened.unchanged
    assert whole(opened) == b""
    assert 'If-None-Match: "1"' in site.heads[0]
    client.get(site.url(), seen=Validators(None, "Tue, 01 Dec 2026 00:00:00 GMT")).close()
    assert "If-Modified-Since: Tue" in site.heads[1]


def test_what_breaks_is_named(site: Site, make_client: MakeClient, sites: MakeSite) -> None:
    client = make_client("127.0.0.1/32", "localhost.invalid")
    gone = sites()
    gone.stop()
    assert reason(client, gone.url()) is FailureReason.CONNECTION_FAILED
    assert reason(client, "http://localhost.invalid/") is FailureReason.CONNECTION_FAILED
    site.pages["/junk"] = b"SSH-2.0-OpenSSH\r\n\r\n"
    assert reason(client, site.url("/junk")) is FailureReason.HTTP_ERROR
    site.pages["/cut"] = lambda _: None
    assert reason(client, site.url("/cut")) is FailureReason.CONNECTION_FAILED
    site.pages["/short"] = answer(200, b"abc", Content_Length="10")[:-1]
    site.pages["/half"] = lambda connection: connection.sendall(site.pages["/short"])  # type: ignore[arg-type]
    opened = client.get(site.url("/half"))
    with pytest.raises(ItemFailure) as caught:
        whole(opened)
    assert caught.value.reason is FailureReason.CONNECTION_FAILED


def test_a_silent_host_times_out(site: Site, make_client: MakeClient) -> None:
    def silent(_: socket.socket) -> None:
        site.stopping.wait()

    site.pages["/"] = silent
    client = make_client(site.authority, read_timeout=0.1)
    assert reason(client, site.url()) is FailureReason.TIMEOUT


def test_a_body_is_posted_and_never_to_where_a_redirect_leads(
    sites: MakeSite, make_client: MakeClient
) -> None:
    first, second = sites(), sites()
    first.pages["/hook"] = answer(204)
    first.pages["/moved"] = redirect(second.url("/hook"), 307)
    client = make_client(first.authority, second.authority)
    client.post(first.url("/hook"), b"", headers={"X-Signature": "s"}).close()
    assert first.heads[0].startswith("POST /hook")
    assert "X-Signature: s" in first.heads[0]
    with pytest.raises(ItemFailure):
        client.post(first.url("/moved"), b"")
    assert second.connections == 0
    with pytest.raises(ItemFailure):
        make_client().post(first.url("/hook"), b"{}")


def test_a_proxy_of_the_hosts_file_is_asked_in_the_hosts_place(
    sites: MakeSite, make_client: MakeClient
) -> None:
    proxy = sites()
    proxy.pages["http://shop.example/feed"] = answer(200, b"by proxy")
    hosts = Hosts({"shop.example": HostSettings(proxy=Proxy("127.0.0.1", proxy.port, "u", "p"))})
    client = make_client(hosts=hosts)
    assert whole(client.get("http://shop.example/feed")) == b"by proxy"
    assert f"Proxy-Authorization: {basic_authorization('u', 'p')}" in proxy.heads[0]
    assert "Host: shop.example" in proxy.heads[0]
    # A literal address is judged even so: the entry names another host.
    assert reason(client, "http://127.0.0.1/") is FailureReason.FORBIDDEN_ADDRESS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for secure.example with its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(file), "-out", str(file.with_name("cert.pem")), "-days", "2", "-subj", "/CN=secure.example",
            "-addext", "subjectAltName=DNS:secure.example",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return file


@pytest.fixture
def secure(certificate: Path, sites: MakeSite) -> Site:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_name("cert.pem"), certificate)
    return sites({"/": answer(200, b"secret")}, tls=context)


def test_tls_is_for_the_urls_name_whatever_the_address(
    secure: Site, certificate: Path, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    ca_file = str(certificate.with_name("cert.pem"))
    client = make_client("127.0.0.1/32", ca_file=ca_file)
    assert whole(client.get(f"https://secure.example:{secure.port}/")) == b"secret"
    assert reason(client, f"https://other.example:{secure.port}/") is FailureReason.HTTP_ERROR
    unknown = make_client("127.0.0.1/32")
    assert reason(unknown, f"https://secure.example:{secure.port}/") is FailureReason.HTTP_ERROR
    hosts = Hosts({"secure.example": HostSettings(ca_file=ca_file)})
    trusting = make_client("127.0.0.1/32", hosts=hosts)
    assert whole(trusting.get(f"https://secure.example:{secure.port}/")) == b"secret"


def test_a_redirect_from_https_to_http_is_refused(
    secure: Site, certificate: Path, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    secure.pages["/down"] = redirect("http://secure.example/")
    client = make_client("127.0.0.1/32", ca_file=str(certificate.with_name("cert.pem")))
    url = f"https://secure.example:{secure.port}/down"
    assert reason(client, url) is FailureReason.HTTP_ERROR


def test_a_tunnel_leads_through_a_proxy_to_https(
    secure: Site, certificate: Path, sites: MakeSite, make_client: MakeClient
) -> None:
    def tunnel(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with socket.create_connection(("127.0.0.1", secure.port)) as there:
            pump(connection, there)

    proxy = sites()
    proxy.pages[f"secure.example:{secure.port}"] = tunnel
    hosts = Hosts({"secure.example": HostSettings(proxy=Proxy("127.0.0.1", proxy.port))})
    client = make_client(hosts=hosts, ca_file=str(certificate.with_name("cert.pem")))
    assert whole(client.get(f"https://secure.example:{secure.port}/")) == b"secret"
    assert proxy.heads[0].startswith("CONNECT ")


def pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes between two connections until either ends."""
    import select

    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)


def test_no_failure_repeats_a_url_or_a_secret(site: Site, make_client: MakeClient) -> None:
    site.pages["/private?token=hunter2"] = answer(403)
    with pytest.raises(ItemFailure) as caught:
        make_client(site.authority).get(site.url("/private?token=hunter2"), authorization=SECRET)
    assert "hunter2" not in str(caught.value)
    assert SECRET not in str(caught.value)
