"""Bodies that hosts pack unasked are decoded, whatever the pieces are, and no further than the cap."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.patience import PATIENCE
from tests.unit.workers.fetch.site import Site, answer
from vitrine.core.types import FailureReason, ItemFailure
from workers.fetch import Fetcher
from workers.fetch.content_coding import BodyDecoder

MakeFetcher: TypeAlias = Callable[..., Fetcher]
PICTURE = bytes(range(256)) * 500


def packed(data: bytes, level: int = 9) -> bytes:
    return gzip.compress(data, level, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODED = [
    (b"gzip", packed(PICTURE)),
    (b"x-gzip", packed(PICTURE[:1000]) + packed(PICTURE[1000:])),
    (b"gzip", packed(PICTURE) + b"\0\0 padding"),
    (b"deflate", zlib.compress(PICTURE)),
    (b"deflate", raw_deflate(PICTURE)),
]


@given(st.sampled_from(CODED), st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_a_body_is_decoded_from_any_pieces(coded: tuple[bytes, bytes], sizes: list[int]) -> None:
    decoder, body, decoded, number = BodyDecoder(coded[0]), coded[1], b"", 0
    while body:
        size = sizes[number % len(sizes)]
        refused = decoder.copy()
        refused.feed(body[:size], 10**6)  # a piece that found no memory, and is offered again
        decoded += decoder.feed(body[:size], 10**6)
        body, number = body[size:], number + 1
    assert decoder.complete
    assert decoded == PICTURE


@pytest.mark.parametrize(("coding", "body"), CODED)
def test_a_packed_picture_is_fetched(
    coding: bytes, body: bytes, site: Site, fetcher: Fetcher
) -> None:
    site.pages["/a"] = answer(200, body, Content_Encoding=coding.decode().upper())
    assert fetcher.fetch(site.url("/a")).result(PATIENCE).data == PICTURE


def failure(fetcher: Fetcher, url: str) -> FailureReason:
    error = fetcher.fetch(url).exception(PATIENCE)
    assert isinstance(error, ItemFailure)
    return error.reason


def test_a_bomb_is_stopped_at_the_cap(site: Site, make_fetcher: MakeFetcher) -> None:
    fetcher = make_fetcher(site.authority, max_bytes=100_000)
    site.pages["/bomb"] = answer(200, packed(bytes(50_000_000)), Content_Encoding="gzip")
    assert failure(fetcher, site.url("/bomb")) is FailureReason.TOO_LARGE
    site.pages["/fits"] = answer(200, packed(bytes(100_000)), Content_Encoding="gzip")
    assert len(fetcher.fetch(site.url("/fits")).result(PATIENCE).data) == 100_000


def test_packed_pictures_wait_for_memory_and_come_whole(
    site: Site, make_fetcher: MakeFetcher
) -> None:
    fetcher = make_fetcher(site.authority, budget_bytes=200_000, concurrency=8, per_host=8)
    for number in range(20):
        body = packed(PICTURE, level=0)
        site.pages[f"/{number}"] = answer(200, body, Content_Encoding="gzip")
    # A result holds its memory until nobody refers to it.
    waiting = {fetcher.fetch(site.url(f"/{number}")) for number in range(20)}
    while waiting:
        done = wait(waiting, PATIENCE, FIRST_COMPLETED).done
        assert all(one.result().data == PICTURE for one in done)
        waiting -= done
        del done


@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        ("gzip", b"\xff\xd8 not packed", FailureReason.CORRUPT),
        ("gzip", b"", FailureReason.TRUNCATED),
        ("deflate", b"\x78\x9c\xff\xff junk", FailureReason.CORRUPT),
        ("gzip", packed(PICTURE)[:-1], FailureReason.TRUNCATED),
        ("gzip", packed(b""), FailureReason.NOT_AN_IMAGE),
        ("br", b"x", FailureReason.HTTP_ERROR),
        ("gzip, gzip", b"x", FailureReason.HTTP_ERROR),
    ],
)
def test_what_cannot_be_decoded_is_named(
    coding: str, body: bytes, reason: FailureReason, site: Site, fetcher: Fetcher
) -> None:
    site.pages["/a"] = answer(200, body, Content_Encoding=coding)
    assert failure(fetcher, site.url("/a")) is reason
