from __future__ import annotations

import gzip
import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from typing import TypeAlias

import certifi
import pytest

import vitrine
from tests.patience import PATIENCE, wait_until
from tests.unit.workers.fetch.site import Site, answer, redirect
from vitrine.core.types import FailureReason, ItemFailure
from vitrine.net.allow_list import AllowList
from vitrine.net.url import parse_url
from workers.byte_budget import ByteBudget
from workers.fetch import FetchedPicture, Fetcher, FetchPolicy
from workers.fetch.curl_loop import CurlLoop
from workers.fetch.transfer import Transfer
from workers.fetch.transfers import Transfers

MakeFetcher: TypeAlias = Callable[..., Fetcher]
MakeSite: TypeAlias = Callable[..., Site]

PICTURE = bytes(range(256)) * 1000


def failure(future: Future[FetchedPicture]) -> ItemFailure:
    error = future.exception(timeout=PATIENCE)
    assert isinstance(error, ItemFailure), error
    return error


def raw(data: bytes) -> Callable[[socket.socket], None]:
    """Return a handler that sends these bytes and closes the connection."""
    return lambda connection: connection.sendall(data)


def hang(site: Site, first: bytes = b"") -> Callable[[socket.socket], None]:
    """Return a handler that sends the first bytes, then nothing until the site stops."""

    def handler(connection: socket.socket) -> None:
        connection.sendall(first)
        site.stopping.wait()

    return handler


# --- successful responses -----------------------------------------------------------------------
def test_a_picture_comes_whole_with_where_it_came_from(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a.jpg"] = answer(200, PICTURE, ETag='"v1"', Content_Type="text/html")
    fetched = fetcher.fetch(site.url("/a.jpg#x")).result(PATIENCE)
    assert fetched == FetchedPicture(PICTURE, site.url("/a.jpg"), 200, '"v1"')
    assert len(repr(fetched)) < 200


def test_the_request_says_who_asks_and_carries_nothing_else(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a"] = answer(200, PICTURE, Set_Cookie="a=b", WWW_Authenticate="Basic")
    for _ in range(2):
        fetcher.fetch(site.url("/a")).result(PATIENCE)
    assert site.heads[1].split("\r\n") == [
        "GET /a HTTP/1.1",
        f"Host: {site.authority}",
        f"User-Agent: vitrine/{vitrine.__version__}",
        "Accept: image/*",
        "Accept-Encoding: identity",
    ]


def test_connections_are_kept(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a"] = answer(200, PICTURE)
    for path in ("/a", "/missing", "/a"):
        fetcher.fetch(site.url(path)).exception(60)
    assert site.connections == 1


def test_hundreds_at_once_each_get_their_own(site: Site, fetcher: Fetcher) -> None:
    for number in range(300):
        site.pages[f"/{number}"] = answer(200, b"%d" % number * 5000)
    futures = [fetcher.fetch(site.url(f"/{number}")) for number in range(300)]
    for number, future in enumerate(futures):
        assert future.result(PATIENCE).data == b"%d" % number * 5000


def test_a_proxy_of_the_environment_is_not_asked(
    site: Site, sites: MakeSite, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = sites()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url())
    site.pages["/a"] = answer(200, PICTURE)
    assert make_fetcher(site.authority).fetch(site.url("/a")).result(PATIENCE).data == PICTURE
    assert proxy.requests == []


def test_a_body_without_a_length_ends_with_the_connection(site: Site, fetcher: Fetcher) -> None:
    site.pages["/a"] = raw(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE)
    assert fetcher.fetch(site.url("/a")).result(PATIENCE).data == PICTURE


def test_a_chunked_body_is_put_together(site: Site, fetcher: Fetcher) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    site.pages["/a"] = head + b"3\r\nabc\r\n2\r\nde\r\n0\r\nETag: trailer\r\n\r\n"
    assert fetcher.fetch(site.url("/a")).result(PATIENCE) == FetchedPicture(
        b"abcde", site.url("/a"), 200
    )


# --- failed responses ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (answer(404, b"gone"), FailureReason.NOT_FOUND),
        (answer(404, b"x" * 300_000), FailureReason.NOT_FOUND),
        (answer(503, b"later"), FailureReason.SERVER_ERROR),
        (answer(403), FailureReason.HTTP_ERROR),
        (answer(200, b""), FailureReason.NOT_AN_IMAGE),
        (b"HTTP/1.1 204 No Content\r\n\r\n", FailureReason.NOT_AN_IMAGE),
        (answer(302), FailureReason.HTTP_ERROR),
        (answer(200, PICTURE, Content_Encoding="br"), FailureReason.HTTP_ERROR),
        (answer(200, PICTURE, Content_Encoding="gzip"), FailureReason.CORRUPT),
        (
            answer(200, gzip.compress(PICTURE, mtime=0)[:-9], Content_Encoding="gzip"),
            FailureReason.TRUNCATED,
        ),
    ],
)
def test_each_answer_has_its_reason(
    page: bytes, reason: FailureReason, site: Site, fetcher: Fetcher
) -> None:
    site.pages["/a"] = page
    assert failure(fetcher.fetch(site.url("/a"))).reason is reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", FailureReason.CONNECTION_FAILED),
        (b"HTTP/1.1 200 OK\r\nContent-", FailureReason.CONNECTION_FAILED),
        (answer(200, b"short", Content_Length="1000"), FailureReason.CONNECTION_FAILED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", FailureReason.CONNECTION_FAILED),
        (answer(404, b"short", Content_Length="1000"), FailureReason.NOT_FOUND),
        (b"<html>no head at all</html>", FailureReason.HTTP_ERROR),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 0123456789\r\n" * 30_000 + b"\r\n", FailureReason.HTTP_ERROR),
    ],
)  # fmt: skip
def test_a_cut_or_broken_answer_has_its_reason(
    data: bytes, reason: FailureReason, site: Site, fetcher: Fetcher
) -> None:
    site.pages["/a"] = raw(data)
    assert failure(fetcher.fetch(site.url("/a"))).reason is reason


def test_a_transfer_encoding_that_nobody_asked_for_is_not_unpacked(
    site: Site, fetcher: Fetcher
) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    site.pages["/a"] = raw(head + b"%x\r\n" % len(bomb) + bomb + b"\r\n0\r\n\r\n")
    assert failure(fetcher.fetch(site.url("/a"))).reason is FailureReason.HTTP_ERROR


def test_nobody_at_home_is_a_failed_connection(site: Site, make_fetcher: MakeFetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fetcher = make_fetcher(f"127.0.0.1:{port}")
    error = failure(fetcher.fetch(f"http://127.0.0.1:{port}/"))
    assert error.reason is FailureReason.CONNECTION_FAILED


def test_an_endless_body_is_cut_at_the_limit(site: Site, make_fetcher: MakeFetcher) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not site.stopping.is_set():
            connection.sendall(bytes(65536))

    site.pages["/a"] = endless
    fetcher = make_fetcher(site.authority, max_bytes=1_000_000)
    assert failure(fetcher.fetch(site.url("/a"))).reason is FailureReason.TOO_LARGE


def test_a_length_over_the_limit_is_refused_without_waiting_for_the_body(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    site.pages["/a"] = hang(site, b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
    site.pages["/b"] = answer(200, b"x" * 1000)
    fetcher = make_fetcher(site.authority, max_bytes=1000)
    assert failure(fetcher.fetch(site.url("/a"))).reason is FailureReason.TOO_LARGE
    assert len(fetcher.fetch(site.url("/b")).result(PATIENCE).data) == 1000


# --- time ---------------------------------------------------------------------------------------
def test_a_drip_is_cut_at_the_total_deadline(site: Site, make_fetcher: MakeFetcher) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not site.stopping.wait(0.02):
            connection.sendall(b"x")

    site.pages["/a"] = drip
    fetcher = make_fetcher(site.authority, timeout=0.5)
    assert failure(fetcher.fetch(site.url("/a"))).reason is FailureReason.TIMEOUT


def test_redirects_share_one_deadline(site: Site, make_fetcher: MakeFetcher) -> None:
    def slow(to: str) -> Callable[[socket.socket], None]:
        def handler(connection: socket.socket) -> None:
            site.stopping.wait(0.4)
            connection.sendall(redirect(to))

        return handler

    site.pages |= {f"/{number}": slow(f"/{number + 1}") for number in range(5)}
    fetcher = make_fetcher(site.authority, timeout=1.0, max_redirects=10)
    assert failure(fetcher.fetch(site.url("/0"))).reason is FailureReason.TIMEOUT


# --- redirects ----------------------------------------------------------------------------------
def test_redirects_are_followed_and_the_last_url_is_told(site: Site, fetcher: Fetcher) -> None:
    site.pages |= {
        "/0": redirect("/1", 301),
        "/1": redirect("2?x=1", 307),
        "/2?x=1": redirect(site.url("/3"), 308),
        "/3": answer(200, PICTURE),
    }
    assert fetcher.fetch(site.url("/0")).result(PATIENCE).url == site.url("/3")


def test_one_redirect_too_many_is_refused(site: Site, make_fetcher: MakeFetcher) -> None:
    site.pages |= {f"/{number}": redirect(f"/{number + 1}") for number in range(3)}
    site.pages["/3"] = answer(200, PICTURE)
    two, three = (make_fetcher(site.authority, max_redirects=limit) for limit in (2, 3))
    assert failure(two.fetch(site.url("/0"))).reason is FailureReason.TOO_MANY_REDIRECTS
    assert three.fetch(site.url("/0")).result(PATIENCE).data == PICTURE


def test_a_circle_is_seen_at_its_second_turn(site: Site, fetcher: Fetcher) -> None:
    site.pages |= {"/0": redirect("/1"), "/1": redirect("/0")}
    error = failure(fetcher.fetch(site.url("/0")))
    assert error.reason is FailureReason.TOO_MANY_REDIRECTS
    assert "circle" in error.detail
    assert site.requests == ["/0", "/1"]


# --- rate limits and pauses ---------------------------------------------------------------------
@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_asks_for_it_is_left_alone(status: int, site: Site, fetcher: Fetcher) -> None:
    site.pages["/a"] = answer(status, Retry_After="1800")
    assert failure(fetcher.fetch(site.url("/a"))).retry_after == 1800
    error = failure(fetcher.fetch(site.url("/b")))
    assert error.reason is FailureReason.RATE_LIMITED
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 1800
    assert site.requests == ["/a"]


def test_those_who_wait_in_line_are_given_back_when_the_host_asks_for_a_pause(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    site.pages["/a"] = answer(429, Retry_After="1800")
    fetcher = make_fetcher(site.authority, per_host=1)
    futures = [fetcher.fetch(site.url("/a")) for _ in range(20)]
    assert {failure(future).reason for future in futures} == {FailureReason.RATE_LIMITED}
    assert site.requests == ["/a"]


def test_a_short_pause_is_waited_for(site: Site, fetcher: Fetcher) -> None:
    site.pages |= {"/a": answer(429, Retry_After="1"), "/b": answer(200, PICTURE)}
    failure(fetcher.fetch(site.url("/a")))
    assert fetcher.fetch(site.url("/b"), patience=PATIENCE).result(PATIENCE).data == PICTURE


def test_one_host_gets_no_more_than_its_share_at_once(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def page(connection: socket.socket) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        site.stopping.wait(0.02)
        with lock:
            now -= 1
        connection.sendall(answer(200, b"x"))

    site.pages["/a"] = page
    fetcher = make_fetcher(site.authority, per_host=3)
    wait([fetcher.fetch(site.url("/a")) for _ in range(20)], timeout=PATIENCE)
    assert most == 3


def test_a_host_that_hangs_does_not_hold_up_another(
    sites: MakeSite, make_fetcher: MakeFetcher
) -> None:
    slow, quick = sites(), sites({"/a": answer(200, PICTURE)})
    slow.pages["/a"] = hang(slow)
    fetcher = make_fetcher(slow.authority, quick.authority, concurrency=4, per_host=2)
    stuck = [fetcher.fetch(slow.url("/a")) for _ in range(50)]
    for future in [fetcher.fetch(quick.url("/a")) for _ in range(10)]:
        assert future.result(PATIENCE).data == PICTURE
    assert not any(future.done() for future in stuck)


# --- memory -------------------------------------------------------------------------------------
def test_all_get_through_a_budget_smaller_than_one_picture(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    site.pages["/a"] = answer(200, PICTURE * 4)
    fetcher = make_fetcher(site.authority, budget_bytes=50_000, concurrency=8, per_host=8)
    futures = deque(fetcher.fetch(site.url("/a")) for _ in range(24))
    while futures:
        assert futures.popleft().result(PATIENCE).data == PICTURE * 4
    fetcher.close()  # by then, its thread has released the last one
    assert fetcher.held.total == 0


def test_nothing_is_begun_while_what_was_fetched_fills_the_memory(site: Site) -> None:
    site.pages["/a"] = answer(200, PICTURE)
    policy = FetchPolicy(timeout=PATIENCE, allow=AllowList.parse([site.authority]))
    loop = CurlLoop(4)
    held = ByteBudget(2 * len(PICTURE), loop.wake)
    engine = Transfers(policy, certifi.where(), loop, held)
    walks = [Transfer(parse_url(site.url("/a")), policy, 0.0) for _ in range(3)]
    assert held.take(len(PICTURE))
    engine.submit(walks[0])
    until_done(engine, walks[0])
    for walk in walks[1:]:
        engine.submit(walk)
    loop.wake()
    engine.step()
    assert [walk.future.running() for walk in walks[1:]] == [False, False]
    walks.pop(0)
    until_done(engine, walks[0])  # its bytes were released, so there is space for one
    assert not walks[1].future.running()
    held.give_back(len(PICTURE))
    until_done(engine, walks[1])
    assert held.total == 2 * len(PICTURE)
    engine.close()
    loop.close()


def until_done(engine: Transfers, walk: Transfer) -> None:
    while not walk.future.done():
        engine.step()


def test_bytes_count_until_nobody_has_them(site: Site, make_fetcher: MakeFetcher) -> None:
    site.pages["/a"] = answer(200, PICTURE)
    site.pages["/gone"] = answer(404)
    fetcher = make_fetcher(site.authority)
    kept = [fetcher.fetch(site.url("/a")).result(PATIENCE) for _ in range(3)]
    failure(fetcher.fetch(site.url("/gone")))
    fetcher.close()
    assert fetcher.held.total == 3 * len(PICTURE)
    kept.pop()
    assert fetcher.held.total == 2 * len(PICTURE)
    kept.clear()
    assert fetcher.held.total == 0


def test_what_waits_for_the_budget_is_cut_at_the_limit_all_the_same(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    site.pages["/a"] = raw(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE)
    fetcher = make_fetcher(site.authority, budget_bytes=1, max_bytes=200_000)
    for future in [fetcher.fetch(site.url("/a")) for _ in range(10)]:
        assert failure(future).reason is FailureReason.TOO_LARGE


def test_handles_that_ran_out_of_time_while_they_waited_for_memory_work_again(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    site.pages["/stuck"] = hang(site, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nxxxx")
    site.pages["/a"] = answer(200, PICTURE)
    fetcher = make_fetcher(site.authority, budget_bytes=1, concurrency=4, timeout=1.0)
    stuck = fetcher.fetch(site.url("/stuck"))
    wait([fetcher.fetch(site.url("/a")) for _ in range(3)], timeout=PATIENCE)
    assert failure(stuck).reason is FailureReason.TIMEOUT
    site.pages["/b"] = answer(200, b"b")
    assert [fetcher.fetch(site.url("/b")).result(PATIENCE).data for _ in range(8)] == [b"b"] * 8


# --- shutdown -----------------------------------------------------------------------------------
def test_closing_ends_what_is_under_way_and_what_waits(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    site.pages["/a"] = hang(site, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
    fetcher = make_fetcher(site.authority, per_host=2)
    futures = [fetcher.fetch(site.url("/a")) for _ in range(6)]
    while len(site.requests) < 2:
        assert not futures[0].done()
        site.stopping.wait(0.005)
    fetcher.close()
    fetcher.close()
    futures.append(fetcher.fetch(site.url("/a")))
    for future in futures:
        assert failure(future).reason is FailureReason.CONNECTION_FAILED
    assert not fetcher._thread.is_alive()


def test_closing_gives_every_descriptor_back(sites: MakeSite, make_fetcher: MakeFetcher) -> None:
    site = sites({"/a": answer(200, PICTURE)})
    before = len(os.listdir("/dev/fd"))
    fetcher = make_fetcher(site.authority)
    wait([fetcher.fetch(site.url("/a")) for _ in range(40)], timeout=PATIENCE)
    fetcher.close()
    site.stop()
    assert len(os.listdir("/dev/fd")) <= before


def test_a_picture_can_be_cancelled_while_it_waits(site: Site, make_fetcher: MakeFetcher) -> None:
    go_on = threading.Event()

    def page(connection: socket.socket) -> None:
        go_on.wait()
        connection.sendall(answer(200, b"x"))

    site.pages |= {"/a": page, "/b": answer(200, b"b"), "/c": answer(200, b"c")}
    fetcher = make_fetcher(site.authority, per_host=1)
    first, second, third = (fetcher.fetch(site.url(path)) for path in ("/a", "/b", "/c"))
    assert second.cancel()
    go_on.set()
    assert (first.result(PATIENCE).data, third.result(PATIENCE).data) == (b"x", b"c")
    assert site.requests == ["/a", "/c"]
    with pytest.raises(CancelledError):
        second.result(PATIENCE)


def test_a_fault_in_the_thread_fails_every_picture_and_hangs_none(
    site: Site,
    make_fetcher: MakeFetcher,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_self: Transfers, _ended: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(Transfers, "_end", broken)
    site.pages["/a"] = answer(200, PICTURE)
    fetcher = make_fetcher(site.authority)
    with caplog.at_level(logging.CRITICAL, "workers.fetch.fetcher"):
        futures = [fetcher.fetch(site.url("/a")) for _ in range(5)]
        for future in futures:
            assert failure(future).reason is FailureReason.CONNECTION_FAILED
    assert failure(fetcher.fetch(site.url("/a"))).reason is FailureReason.CONNECTION_FAILED


def test_a_host_that_does_not_answer_is_left_alone_and_another_is_not(
    sites: MakeSite, make_fetcher: MakeFetcher
) -> None:
    dead, good = sites(), sites()
    dead.pages["/a"] = hang(dead)
    good.pages["/a"] = answer(200, PICTURE)
    fetcher = make_fetcher(dead.authority, good.authority, timeout=0.2, per_host=2)
    tried = [fetcher.fetch(dead.url("/a")) for _ in range(40)]
    details = [failure(one) for one in tried]
    assert {one.reason for one in details} == {FailureReason.TIMEOUT}
    # Eight failures in a row open the breaker; requests already under way still finish.
    assert len(dead.heads) <= 8 + 2
    assert sum("left alone" in (one.detail or "") for one in details) >= 30
    assert "left alone" in (failure(fetcher.fetch(dead.url("/a"))).detail or "")
    # The short timeout may expire on this machine, but no error may say that the host is left alone.
    wait_until(lambda: fetched_or_late(fetcher, good.url("/a")), "a picture of the other host")


def fetched_or_late(fetcher: Fetcher, url: str) -> bool:
    """Return whether the picture arrived; the only failure allowed is a timeout."""
    future = fetcher.fetch(url)
    if future.exception(PATIENCE) is None:
        return future.result().data == PICTURE
    assert "left alone" not in (failure(future).detail or "")
    return False
