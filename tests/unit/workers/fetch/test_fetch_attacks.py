"""SSRF attacks that have worked elsewhere: none may reach the canary, a loopback site that is on no allow list."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pycurl
import pytest

from tests.patience import PATIENCE
from tests.unit.workers.fetch.site import Site, answer, redirect
from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch import FetchedPicture, Fetcher
from workers.fetch.curl_handle import CurlHandle

MakeFetcher: TypeAlias = Callable[..., Fetcher]
MakeSite: TypeAlias = Callable[..., Site]

BAD, FORBIDDEN = FailureReason.BAD_URL, FailureReason.FORBIDDEN_ADDRESS

ATTACKS = [
    # loopback, as usual and by its other names
    ("http://127.0.0.1:{port}/", FORBIDDEN),
    ("http://127.0.0.1.:{port}/", FORBIDDEN),
    ("http://127.127.127.127:{port}/", FORBIDDEN),
    ("http://0.0.0.0:{port}/", FORBIDDEN),
    ("http://localhost:{port}/", FORBIDDEN),
    ("http://LOCALHOST.:{port}/", FORBIDDEN),
    ("http://app.localhost:{port}/", FORBIDDEN),
    # numbers that some resolvers read as 127.0.0.1
    ("http://2130706433:{port}/", BAD),
    ("http://0x7f000001:{port}/", BAD),
    ("http://0x7f.0x0.0x0.0x1:{port}/", BAD),
    ("http://0x7f.1:{port}/", BAD),
    ("http://017700000001:{port}/", BAD),
    ("http://0177.0.0.1:{port}/", BAD),
    ("http://0177.0.0.01:{port}/", BAD),
    ("http://127.1:{port}/", BAD),
    ("http://127.0.1:{port}/", BAD),
    ("http://0:{port}/", BAD),
    ("http://00000000177.0.0.1:{port}/", BAD),
    ("http://127.0.0.1..:{port}/", BAD),
    ("http://4294967297.0.0.1:{port}/", BAD),
    # letters and dots that are normalised to ASCII
    ("http://\uff11\uff12\uff17.\uff10.\uff10.\uff11:{port}/", FORBIDDEN),
    ("http://127\u30020\u30020\u30021:{port}/", FORBIDDEN),
    ("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/", FORBIDDEN),
    ("http://loc\u00adalhost:{port}/", BAD),
    ("http://\uff4cocalhost:{port}/", FORBIDDEN),
    ("http://127.0.0.1%00.example.com:{port}/", BAD),
    ("http://%31%32%37.0.0.1:{port}/", BAD),
    # IPv6 and addresses embedded in it
    ("http://[::1]:{port}/", FORBIDDEN),
    ("http://[0:0:0:0:0:0:0:1]:{port}/", FORBIDDEN),
    ("http://[::]:{port}/", FORBIDDEN),
    ("http://[::ffff:127.0.0.1]:{port}/", FORBIDDEN),
    ("http://[::ffff:7f00:1]:{port}/", FORBIDDEN),
    ("http://[::127.0.0.1]:{port}/", FORBIDDEN),
    ("http://[::ffff:0:127.0.0.1]:{port}/", FORBIDDEN),
    ("http://[64:ff9b::127.0.0.1]:{port}/", FORBIDDEN),
    ("http://[64:ff9b:1::127.0.0.1]:{port}/", FORBIDDEN),
    ("http://[2002:7f00:1::]:{port}/", FORBIDDEN),
    ("http://[2001:0:7f00:1::]:{port}/", FORBIDDEN),
    ("http://[fe80::1%25lo]:{port}/", BAD),
    ("http://[::1%25lo]:{port}/", BAD),
    ("http://[127.0.0.1]:{port}/", BAD),
    # cloud metadata services
    ("http://169.254.169.254/latest/meta-data/", FORBIDDEN),
    ("http://[fd00:ec2::254]/latest/meta-data/", FORBIDDEN),
    ("http://100.100.100.200/latest/meta-data/", FORBIDDEN),
    ("http://168.63.129.16/machine", FORBIDDEN),
    ("http://[::ffff:169.254.169.254]/", FORBIDDEN),
    ("http://[64:ff9b::a9fe:a9fe]/", FORBIDDEN),
    # private networks
    ("http://10.0.0.1:{port}/", FORBIDDEN),
    ("http://192.168.0.1:{port}/", FORBIDDEN),
    ("http://172.16.0.1:{port}/", FORBIDDEN),
    ("http://[fc00::1]:{port}/", FORBIDDEN),
    # URLs that two parsers read as different hosts
    ("http://example.com@127.0.0.1:{port}/", BAD),
    ("http://127.0.0.1:{port}@example.com/", BAD),
    ("http://127.0.0.1:{port}\\@example.com/", BAD),
    ("http://example.com\\@127.0.0.1:{port}/", BAD),
    ("http:\\\\127.0.0.1:{port}/", BAD),
    ("http://127.0.0.1:{port}\t/", BAD),
    (" http://127.0.0.1:{port}/", BAD),
    ("http://127.0.0.1:{port}#@example.com/", FORBIDDEN),
    ("http://127.0.0.1:{port}?@example.com/", FORBIDDEN),
    ("http:///127.0.0.1:{port}/", BAD),
    ("http:127.0.0.1:{port}/", BAD),
    ("http://example.com:80:{port}/", BAD),
    ("http://example.com\r\nHost: 127.0.0.1:{port}/", BAD),
    # other schemes, and ports of other protocols
    ("gopher://127.0.0.1:{port}/_GET%20/", BAD),
    ("ftp://127.0.0.1:{port}/", BAD),
    ("dict://127.0.0.1:{port}/d", BAD),
    ("ws://127.0.0.1:{port}/", BAD),
    ("file:///etc/passwd", BAD),
    ("FILE:/etc/passwd", BAD),
    ("data:image/png;base64,AAAA", BAD),
    ("127.0.0.1:{port}/", BAD),
    ("//127.0.0.1:{port}/", BAD),
    ("http://example.com:22/", BAD),
    ("http://example.com:25/", BAD),
]


@pytest.fixture
def canary(sites: MakeSite) -> Iterator[Site]:
    site = sites({"/": answer(200, b"inside")})
    yield site
    assert site.connections == 0


def pin(monkeypatch: pytest.MonkeyPatch, *records: str) -> None:
    """Make names resolve as given (`name:port:address,address`), like a resolver under the attacker's control."""
    original = CurlHandle._options

    def options(self: CurlHandle) -> dict[int, object]:
        return {**original(self), pycurl.RESOLVE: list(records)}

    monkeypatch.setattr(CurlHandle, "_options", options)


def reason(fetcher: Fetcher, url: str) -> FailureReason:
    error = fetcher.fetch(url).exception(timeout=PATIENCE)
    assert isinstance(error, ItemFailure), (url, error)
    assert "127.0.0.1" not in error.detail
    return error.reason


@pytest.mark.parametrize(("url", "expected"), ATTACKS)
def test_no_url_leads_inside(
    url: str, expected: FailureReason, canary: Site, make_fetcher: MakeFetcher
) -> None:
    assert reason(make_fetcher(), url.format(port=canary.port)) is expected


def test_no_redirect_leads_inside(canary: Site, site: Site, fetcher: Fetcher) -> None:
    locations = [url.format(port=canary.port) for url, _ in ATTACKS if url.isascii()]
    # A line break would end the header; two leading slashes keep the redirecting site's scheme.
    locations = [location for location in locations if "\r" not in location]
    for number, location in enumerate(locations):
        site.pages[f"/{number}"] = redirect(location)
    futures = [fetcher.fetch(site.url(f"/{number}")) for number in range(len(locations))]
    for location, future in zip(locations, futures, strict=True):
        error = future.exception(timeout=PATIENCE)
        assert isinstance(error, ItemFailure), (location, error)
        # A location that is read as a path of the redirecting site is simply not found there.
        assert error.reason in (BAD, FORBIDDEN, FailureReason.NOT_FOUND), (location, error)


@pytest.mark.parametrize(
    "addresses", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1,[::1],10.0.0.1"]
)
def test_a_name_that_resolves_to_the_inside_is_refused_at_the_connection(
    addresses: str, canary: Site, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, f"rebind.example:{canary.port}:{addresses}")
    assert reason(make_fetcher(), f"http://rebind.example:{canary.port}/") is FORBIDDEN


def test_of_mixed_records_only_the_allowed_one_is_connected_to(
    site: Site, sites: MakeSite, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/"] = answer(200, b"outside")
    try:
        inside = sites({"/": answer(200, b"inside")}, host="::1", port=site.port)
    except OSError:
        inside = None  # without IPv6, the refused address has no server
    pin(monkeypatch, f"mixed.example:{site.port}:[::1],127.0.0.1")
    fetcher = make_fetcher("127.0.0.1/32")
    for _ in range(3):
        future = fetcher.fetch(f"http://mixed.example:{site.port}/")
        assert future.result(PATIENCE).data == b"outside"
    assert inside is None or inside.connections == 0


def test_a_kept_connection_is_not_lent_to_another_name(
    site: Site, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/"] = answer(200, b"x")
    pin(
        monkeypatch,
        f"trusted.example:{site.port}:127.0.0.1",
        f"other.example:{site.port}:127.0.0.1",
    )
    fetcher = make_fetcher("trusted.example")
    assert fetcher.fetch(f"http://trusted.example:{site.port}/").result(PATIENCE).data == b"x"
    assert reason(fetcher, f"http://other.example:{site.port}/") is FORBIDDEN
    assert fetcher.fetch(f"http://TRUSTED.example:{site.port}/").result(PATIENCE).data == b"x"
    assert site.connections == 1


def test_an_allowed_port_opens_no_other_port_of_that_host(
    canary: Site, site: Site, fetcher: Fetcher
) -> None:
    site.pages["/"] = answer(200, b"x")
    assert fetcher.fetch(site.url("/")).result(PATIENCE).data == b"x"
    assert reason(fetcher, canary.url("/")) is FORBIDDEN


def test_a_local_socket_is_no_address(make_fetcher: MakeFetcher, tmp_path: Path) -> None:
    """curl uses a UNIX socket for `http://localhost` only with an option that is never set; its
    family would be refused."""
    handle = CurlHandle(make_fetcher().policy, "")

    class Address:
        family, socktype, protocol, addr = socket.AF_UNIX, socket.SOCK_STREAM, 0, b"/x"

    assert handle._open(0, Address()) == pycurl.SOCKET_BAD
    handle.close()


# --- TLS ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Create a self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    return made, key


@pytest.fixture
def secure_site(sites: MakeSite, certificate: tuple[Path, Path]) -> Site:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return sites({"/": answer(200, b"secret")}, tls=context)


def test_a_certificate_that_nobody_vouches_for_is_a_final_failure(
    secure_site: Site, make_fetcher: MakeFetcher
) -> None:
    fetcher = make_fetcher("127.0.0.1/32", "localhost")
    assert reason(fetcher, f"https://localhost:{secure_site.port}/") is FailureReason.HTTP_ERROR
    assert secure_site.requests == []


def test_a_certificate_counts_for_its_own_name_alone(
    secure_site: Site, make_fetcher: MakeFetcher, certificate: tuple[Path, Path]
) -> None:
    fetcher = make_fetcher("127.0.0.1", "localhost", ca_bundle=str(certificate[0]))
    fetched: FetchedPicture = fetcher.fetch(f"https://localhost:{secure_site.port}/").result(
        PATIENCE
    )
    assert fetched.data == b"secret"
    error = fetcher.fetch(f"https://127.0.0.1:{secure_site.port}/").exception(60)
    assert isinstance(error, ItemFailure)
    assert error.reason is FailureReason.HTTP_ERROR


def test_a_redirect_from_https_to_http_is_refused(
    secure_site: Site, site: Site, make_fetcher: MakeFetcher, certificate: tuple[Path, Path]
) -> None:
    site.pages["/"] = answer(200, b"swapped")
    secure_site.pages["/"] = redirect(site.url("/"))
    fetcher = make_fetcher("localhost", "127.0.0.1", ca_bundle=str(certificate[0]))
    error = fetcher.fetch(f"https://localhost:{secure_site.port}/").exception(60)
    assert isinstance(error, ItemFailure)
    assert error.reason is FailureReason.HTTP_ERROR
    assert site.requests == []
