"""Identical pictures are embedded once: through the real stages, with the device's batches counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from tests.patience import PATIENCE
from tests.unit.workers.ingest.chunk_fixture import Workshop, png, url
from vitrine.core.settings import Settings
from vitrine.store.base import EmbeddingSpace
from vitrine.testing.worker_fakes import FakeModel
from workers.batching import Lane
from workers.fetch.result import FetchedPicture
from workers.metrics.cache_metrics import watch_cache
from workers.stages import PreparedPicture, Stages
from workers.vector_cache.cache import VectorCache
from workers.vector_cache.deduplicating import (
    CacheCounts,
    DeduplicatingCache,
    open_deduplicating_cache,
    vector_key,
)
from workers.vector_cache.sqlite_file import FILE

RED, BLUE = (200, 0, 0), (0, 0, 200)
SPACE = EmbeddingSpace("model", "r1", "rgb-1", 8)


def fetched(colour: tuple[int, int, int]) -> FetchedPicture:
    return FetchedPicture(png(colour), "https://shop.example/a.png", 200)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    cache = VectorCache(tmp_path, limit=1 << 30, spare=0)
    yield cache
    cache.close()


@pytest.fixture
def shop(cache: VectorCache) -> Iterator[tuple[Workshop, Stages]]:
    with Workshop({}) as shop:
        yield shop, replace(shop.stages, vector_cache=DeduplicatingCache(cache))


def embed(stages: Stages, one: FetchedPicture, lane: Lane = Lane.BULK) -> NDArray[np.float32]:
    prepared = stages.prepare(one, lane=lane).result(PATIENCE)
    vector = stages.submit(prepared, lane=lane).result(PATIENCE)
    prepared.hold.release()
    return vector


def test_a_picture_seen_before_reaches_no_device(shop: tuple[Workshop, Stages]) -> None:
    model, stages = shop[0].model, shop[1]
    first = embed(stages, fetched(RED))
    again = embed(stages, fetched(RED))
    np.testing.assert_array_equal(first, again)
    assert model.batches == [1]
    embed(stages, fetched(BLUE))
    assert model.batches == [1, 1]
    assert stages.vector_cache is not None
    assert stages.vector_cache.counts == CacheCounts(found=1, missed=2)


def test_a_question_finds_what_the_catalog_embedded(shop: tuple[Workshop, Stages]) -> None:
    ingested = embed(shop[1], fetched(RED))
    asked = embed(shop[1], fetched(RED), Lane.QUERY)
    np.testing.assert_array_equal(ingested, asked)
    assert shop[0].model.batches == [1]


def test_a_grey_picture_is_another_than_the_coloured_one(shop: tuple[Workshop, Stages]) -> None:
    stages = shop[1]
    coloured = embed(stages, fetched(RED))
    prepared = stages.prepare(fetched(RED), lane=Lane.QUERY, grey=True).result(PATIENCE)
    assert prepared.vector is None
    grey = stages.submit(prepared, lane=Lane.QUERY).result(PATIENCE)
    assert not np.allclose(coloured, grey)
    assert stages.grey_space != stages.space


def test_a_check_of_the_device_reaches_it_although_the_picture_is_known(
    shop: tuple[Workshop, Stages],
) -> None:
    stages = shop[1]
    embed(stages, fetched(RED))
    for _ in range(2):
        prepared = stages.prepare(fetched(RED), lane=Lane.QUERY, fresh=True).result(PATIENCE)
        stages.submit(prepared, lane=Lane.QUERY).result(PATIENCE)
    assert shop[0].model.batches == [1, 1, 1]


def test_without_a_cache_every_picture_is_embedded(shop: tuple[Workshop, Stages]) -> None:
    plain = replace(shop[1], vector_cache=None)
    embed(plain, fetched(RED))
    embed(plain, fetched(RED))
    assert shop[0].model.batches == [1, 1]


def test_equal_pictures_in_one_chunk_are_embedded_once(cache: VectorCache) -> None:
    pictures = {url(n): png(RED if n % 2 else BLUE) for n in range(12)}
    with Workshop(pictures, window=12) as shop:
        shop.worker = replace(
            shop.worker, stages=replace(shop.stages, vector_cache=DeduplicatingCache(cache))
        )
        report = shop.ingest(shop.job(12))
        assert report["embedded"] == 12
        assert sum(shop.model.batches) == 2
        stored = list(shop.store.scroll("shop"))
    red = [point.vector for point in stored if point.payload["image_index"] == 1]
    assert len(red) == 6
    for one in red:
        np.testing.assert_array_equal(one, red[0])


def test_a_picture_that_has_no_vector_is_not_kept(cache: VectorCache) -> None:
    bad = FakeModel({RED: np.zeros(8, np.float32)})
    with Workshop({url(0): png(RED)}, model=bad) as shop:
        reuse = DeduplicatingCache(cache)
        shop.worker = replace(shop.worker, stages=replace(shop.stages, vector_cache=reuse))
        job = shop.job(1)
        assert shop.ingest(job)["failed"] == 1
    cache.close()
    assert reuse.counts.found == 0
    with_nothing = VectorCache(cache.path.parent, limit=1 << 30, spare=0)
    assert len(with_nothing) == 0
    with_nothing.close()


KEY = b"k" * 32
VECTOR = np.array([0.6, 0.8], np.float32)
Vector = Future[NDArray[np.float32]]


def never() -> Vector:
    raise AssertionError("an equal picture was on its way")


@pytest.mark.parametrize("way", ["offer", "submit"])
def test_an_equal_picture_waits_for_the_one_on_its_way(cache: VectorCache, way: str) -> None:
    reuse = DeduplicatingCache(cache)
    asked: Vector = Future()
    first = getattr(reuse, way)(KEY, lambda: asked)
    offered, submitted = reuse.offer(KEY, never), reuse.submit(KEY, never)
    assert offered is not None
    asked.set_result(VECTOR)
    for future in (first, offered, submitted):
        np.testing.assert_array_equal(future.result(PATIENCE), VECTOR)
    assert reuse.counts.joined == 2
    late = reuse.offer(KEY, never)
    assert late is not None
    np.testing.assert_array_equal(late.result(PATIENCE), VECTOR)


@pytest.mark.parametrize("way", ["offer", "submit"])
def test_one_that_fails_fails_its_like_and_the_next_is_asked_for_again(
    cache: VectorCache, way: str
) -> None:
    reuse = DeduplicatingCache(cache)
    asked: Vector = Future()
    first = getattr(reuse, way)(KEY, lambda: asked)
    joined = reuse.submit(KEY, never)
    asked.set_exception(ValueError("bad picture"))
    for future in (first, joined):
        with pytest.raises(ValueError, match="bad picture"):
            future.result(PATIENCE)
    again: Vector = Future()
    assert reuse.offer(KEY, lambda: again) is again


@pytest.mark.parametrize("way", ["offer", "submit"])
def test_one_that_is_given_up_leaves_the_next_to_be_embedded(cache: VectorCache, way: str) -> None:
    reuse = DeduplicatingCache(cache)
    asked: Vector = Future()
    first = getattr(reuse, way)(KEY, lambda: asked)
    asked.cancel()
    assert first.cancelled()
    again: Vector = Future()
    assert reuse.offer(KEY, lambda: again) is again


def test_a_refused_offer_holds_nobody_up(cache: VectorCache) -> None:
    reuse = DeduplicatingCache(cache)
    assert reuse.offer(KEY, lambda: None) is None
    asked: Vector = Future()
    assert reuse.offer(KEY, lambda: asked) is asked


def test_a_batcher_that_raises_leaves_nobody_waiting(cache: VectorCache) -> None:
    reuse = DeduplicatingCache(cache)

    def broken() -> Vector:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        reuse.submit(KEY, broken)
    asked: Vector = Future()
    assert reuse.offer(KEY, lambda: asked) is asked


def test_an_asker_who_gives_up_takes_nothing_from_others(cache: VectorCache) -> None:
    reuse = DeduplicatingCache(cache)
    asked: Vector = Future()
    reuse.follow(KEY, asked)
    asked.cancel()
    again: Vector = Future()
    assert reuse.offer(KEY, lambda: again) is again


@pytest.mark.parametrize(
    "other",
    [
        replace(SPACE, model="other"),
        replace(SPACE, revision="r2"),
        replace(SPACE, policy="grey-1"),
        replace(SPACE, dimension=16),
    ],
    ids=["model", "revision", "policy", "dimension"],
)
def test_another_space_is_another_key(other: EmbeddingSpace) -> None:
    assert vector_key(SPACE, "ab") == vector_key(SPACE, "ab")
    assert vector_key(other, "ab") != vector_key(SPACE, "ab")
    assert vector_key(SPACE, "cd") != vector_key(SPACE, "ab")


def test_it_is_on_unless_the_setting_turns_it_off(tmp_path: Path) -> None:
    assert (
        open_deduplicating_cache(Settings(data_dir=tmp_path / "off", embedding_cache_bytes=0))
        is None
    )
    assert not (tmp_path / "off").exists()
    reuse = open_deduplicating_cache(Settings(data_dir=tmp_path / "on"))
    assert reuse is not None
    reuse.close()
    assert (tmp_path / "on" / FILE).exists()


def test_a_worker_works_without_where_the_file_cannot_be_had(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert (
        open_deduplicating_cache(
            Settings(data_dir=tmp_path / "file", embedding_cache_bytes=1 << 20)
        )
        is None
    )
    assert "the vector cache in" in caplog.text


def test_pictures_in_many_threads_are_each_embedded_once(shop: tuple[Workshop, Stages]) -> None:
    stages = shop[1]
    colours = [(n, 10, 10) for n in range(20)]
    wrong: list[int] = []

    def work(expected: Callable[[int], NDArray[np.float32]]) -> None:
        for n, colour in enumerate(colours):
            if not np.array_equal(embed(stages, fetched(colour)), expected(n)):
                wrong.append(n)

    known = [embed(stages, fetched(colour)) for colour in colours]
    threads = [threading.Thread(target=work, args=(lambda n: known[n],)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(shop[0].model.batches) == len(colours)


def test_a_prepared_picture_shows_neither_pixels_nor_vector(
    shop: tuple[Workshop, Stages],
) -> None:
    prepared: PreparedPicture = shop[1].prepare(fetched(RED), lane=Lane.BULK).result(PATIENCE)
    assert "vector" not in repr(prepared)
    prepared.hold.release()


def test_what_came_of_each_picture_is_exported(shop: tuple[Workshop, Stages]) -> None:
    registry, stages = CollectorRegistry(), shop[1]
    watch_cache(registry, None)
    watch_cache(registry, stages.vector_cache)
    for _ in range(3):
        embed(stages, fetched(RED))
    found = {
        outcome: registry.get_sample_value("vitrine_known_vectors_total", {"outcome": outcome})
        for outcome in ("found", "missed", "joined")
    }
    assert found == {"found": 2, "missed": 1, "joined": 0}
    assert registry.get_sample_value("vitrine_vectors_not_kept_total") == 0
