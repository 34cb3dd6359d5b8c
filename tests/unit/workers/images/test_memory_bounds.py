"""The memory that a worker holds, counted in bytes at every step; no clock is used, and process memory is not read."""

from __future__ import annotations

import gc
import io
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from tests.patience import PATIENCE
from tests.unit.workers.fetch.site import Site, answer
from tests.unit.workers.ingest.chunk_fixture import png, url
from vitrine.core.types import ImageRef
from vitrine.net.allow_list import AllowList
from vitrine.testing.worker_fakes import FakeModel, FakePictureSource
from workers.batching import Batcher, Lane
from workers.byte_budget import ByteBudget
from workers.fetch import FetchedPicture, Fetcher, FetchPolicy
from workers.image_decoder import ImageDecoder
from workers.images.decode_pool import DecodePool
from workers.ingest.concurrent import ConcurrentChunk
from workers.ingest.retries import RetryPolicy
from workers.stages import PictureSource, Stages

MEBIBYTE = 1 << 20
LIMIT = 64 * MEBIBYTE
INPUT_BYTES = 3 * 8 * 8 * 4
"""Bytes of a `FakeModel`'s inputs for one picture."""
THREADS = 2


class Peak(ByteBudget):
    """A budget that remembers its highest value."""

    highest = 0

    def take(self, size: int, *, anyway: bool = False) -> bool:
        taken = super().take(size, anyway=anyway)
        self.highest = max(self.highest, self.total)
        return taken


@contextmanager
def opened(source: PictureSource, *, ahead: int = 1 << 30, batch: int = 16) -> Iterator[Stages]:
    """Yield stages whose batcher has not been started."""
    model = FakeModel()
    stages = Stages(
        model,
        source,
        DecodePool(THREADS, budget=1 << 30, ahead=ahead),
        Batcher(model, size=batch, wait=0.001),
        ImageDecoder(max_pixels=50_000_000),
    )
    try:
        yield stages
    finally:
        stages.close()


def chunk(stages: Stages, urls: list[str]) -> ConcurrentChunk:
    images = [ImageRef(n, f"item-{n}", 0, address) for n, address in enumerate(urls)]
    return ConcurrentChunk(
        stages, images, RetryPolicy(attempts=1, rounds=0), 64, None, lambda: False
    )


def bmp(side: int) -> bytes:
    """Return a BMP of three bytes per pixel."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (200, 100, 50)).save(file, "BMP")
    return file.getvalue()


@pytest.mark.parametrize(("side", "megabytes"), [(1180, 4), (2640, 20)])
def test_large_pictures_are_fetched_no_faster_than_they_are_decoded(
    side: int, megabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.fetch.fetcher.ByteBudget", Peak)
    picture = bmp(side)
    assert len(picture) // MEBIBYTE >= megabytes - 1
    site = Site({"/a.bmp": answer(200, picture)})
    policy = FetchPolicy(
        timeout=PATIENCE,
        max_bytes=len(picture),
        budget_bytes=LIMIT,
        allow=AllowList.parse([site.authority]),
    )
    fetcher = Fetcher(policy)
    with opened(fetcher) as stages:
        stages.batcher.start()
        outcomes = chunk(stages, [site.url("/a.bmp")] * 32).run()
    site.stop()
    assert len(outcomes.embedded) == 32
    assert isinstance(fetcher.held, Peak)
    assert len(picture) < fetcher.held.highest <= LIMIT + len(picture)
    assert fetcher.held.total == 0


def test_no_more_is_decoded_than_fits_before_a_batcher_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workers.images.decode_pool.ByteBudget", Peak)
    fetched = FetchedPicture(data=png((1, 2, 3)), url="", status=200)
    with opened(FakePictureSource({}), ahead=10 * INPUT_BYTES) as stages:
        bulk = deque(stages.prepare(fetched, lane=Lane.BULK) for _ in range(100))
        for _ in range(50):  # queries continue, and give bulk every chance to slip through
            stages.prepare(fetched, lane=Lane.QUERY).result()
        decoded = stages.decoders.decoded
        assert isinstance(decoded, Peak)
        assert decoded.highest <= (10 + THREADS + 1) * INPUT_BYTES
        while bulk:  # in their order, as the batcher takes them
            bulk.popleft().result().hold.release()
        assert decoded.highest <= (10 + THREADS + 1) * INPUT_BYTES
        assert decoded.total == 0


def test_a_chunk_that_is_stopped_holds_nothing_up() -> None:
    urls = [url(n) for n in range(64)]
    source = FakePictureSource(dict.fromkeys(urls, png((1, 2, 3))))
    gc.disable()
    try:
        with opened(source, batch=1000) as stages:
            brisk = chunk(stages, urls)
            brisk.stopped = lambda: stages.decoders.decoded.given_back > 10 * INPUT_BYTES
            assert brisk.run().embedded == []
            stages.decoders.close()
            assert stages.decoders.decoded.total == 0
    finally:
        gc.enable()
