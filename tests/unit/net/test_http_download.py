"""A download that is cut goes on where it ended, and never joins two versions of a file."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.net.conftest import MakeClient
from tests.unit.workers.fetch.site import Site, answer
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.http_client import Validators
from vitrine.net.http_download import MAX_RESUMES, DownloadBroken, HttpDownload

BODY = bytes(range(256)) * 4096
CUT = 300_000


def cutting(*answers: bytes) -> Callable[[socket.socket], None]:
    """One answer a connection, which is then closed; the last one again and again."""
    left = list(answers)

    def serve(connection: socket.socket) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return serve


def cut(at: int = CUT, **fields: Any) -> bytes:
    """An answer that promises the whole body and ends early."""
    return answer(200, BODY[:at], Content_Length=str(len(BODY)), **fields)


def part(start: int, **fields: Any) -> bytes:
    span = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
    return answer(206, BODY[start:], Content_Range=span, **fields)


def download(client: Any, site: Site, **options: Any) -> HttpDownload:
    options = {"max_bytes": 2**30, "sleep": lambda _: None, **options}
    return HttpDownload(client, site.url("/feed"), **options)


def test_a_whole_file_is_streamed(site: Site, make_client: MakeClient) -> None:
    site.pages["/feed"] = answer(200, BODY)
    with download(make_client(site.authority), site) as opened:
        assert io.BufferedReader(opened).read() == BODY


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        ({"ETag": '"v1"'}, 'If-Range: "v1"'),
        ({"Last_Modified": "Tue, 01 Dec 2026 00:00:00 GMT"}, "If-Range: Tue, 01 Dec"),
        ({"ETag": 'W/"v1"', "Last_Modified": "Tue, 01 Dec 2026 00:00:00 GMT"}, "If-Range: Tue, 01"),
    ],
)
def test_a_cut_download_asks_for_the_rest(
    fields: dict[str, Any], condition: str, site: Site, make_client: MakeClient
) -> None:
    site.pages["/feed"] = cutting(cut(**fields), part(CUT, **fields))
    with download(make_client(site.authority), site) as opened:
        assert io.BufferedReader(opened).read() == BODY
    assert f"Range: bytes={CUT}-" in site.heads[1]
    assert condition in site.heads[1]


def test_a_host_without_ranges_is_read_from_the_start_and_compared(
    site: Site, make_client: MakeClient
) -> None:
    site.pages["/feed"] = cutting(cut(), cut(at=CUT // 2), answer(200, BODY))
    with download(make_client(site.authority), site) as opened:
        assert io.BufferedReader(opened).read() == BODY
    assert "Range:" not in site.heads[1]


@pytest.mark.parametrize(
    "second",
    [
        answer(200, BODY[::-1]),
        answer(200, BODY, ETag='"v2"'),
        part(CUT, ETag='"v2"'),
        part(CUT - 1, ETag='"v1"'),
        answer(206, BODY[CUT:], ETag='"v1"'),
    ],
)
def test_another_version_is_not_joined(second: bytes, site: Site, make_client: MakeClient) -> None:
    site.pages["/feed"] = cutting(cut(ETag='"v1"'), second)
    opened = download(make_client(site.authority), site)
    with pytest.raises(DownloadBroken, match="after 300,000 bytes"):
        io.BufferedReader(opened).read()


def test_a_host_that_always_cuts_is_given_up(site: Site, make_client: MakeClient) -> None:
    site.pages["/feed"] = cutting(cut(at=1), part(1)[: -len(BODY) + 1])
    waited: list[float] = []
    opened = download(make_client(site.authority), site, sleep=waited.append)
    with pytest.raises(DownloadBroken, match="broke, after"):
        io.BufferedReader(opened).read()
    assert len(waited) == MAX_RESUMES
    assert waited == sorted(waited)


def test_a_refusal_in_the_middle_is_not_asked_again(site: Site, make_client: MakeClient) -> None:
    site.pages["/feed"] = cutting(cut(), answer(403))
    opened = download(make_client(site.authority), site)
    with pytest.raises(DownloadBroken, match="403"):
        io.BufferedReader(opened).read()
    assert len(site.heads) == 2


def test_a_host_that_asks_to_wait_is_waited_for(site: Site, make_client: MakeClient) -> None:
    site.pages["/feed"] = cutting(
        cut(ETag='"1"'), answer(503, Retry_After="9"), part(CUT, ETag='"1"')
    )
    waited: list[float] = []
    with download(make_client(site.authority), site, sleep=waited.append) as opened:
        assert io.BufferedReader(opened).read() == BODY
    assert 9 in waited


def test_the_cap_holds_for_promised_and_for_sent_bytes(site: Site, make_client: MakeClient) -> None:
    client = make_client(site.authority)
    site.pages["/feed"] = answer(200, BODY)
    with pytest.raises(ItemFailure) as caught:
        download(client, site, max_bytes=1000)
    assert caught.value.reason is FailureReason.TOO_LARGE
    site.pages["/feed"] = cutting(answer(200, BODY, Content_Length=""))
    opened = download(client, site, max_bytes=1000)
    with pytest.raises(DownloadBroken, match="more than 1,000 bytes"):
        io.BufferedReader(opened).read()


def test_an_unchanged_file_has_no_bytes(site: Site, make_client: MakeClient) -> None:
    site.pages["/feed"] = answer(304, Content_Length="500", ETag='"1"')
    opened = download(make_client(site.authority), site, seen=Validators('"1"'))
    assert opened.answer.unchanged
    assert opened.read() == b""
    opened.close()
