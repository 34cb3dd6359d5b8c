"""Known vectors: kept and found again, bounded, shared, and harmless if the file or the disk is damaged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.patience import PATIENCE
from workers.vector_cache.cache import AT_ONCE, PENDING, VectorCache
from workers.vector_cache.sqlite_file import FILE

ROOMY = 1 << 30


def key(n: int) -> bytes:
    return n.to_bytes(32, "big")


def vector(n: int, dimension: int = 768) -> NDArray[np.float32]:
    return np.random.default_rng(n).standard_normal(dimension).astype(np.float32)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., VectorCache]]:
    caches: list[VectorCache] = []

    def make(limit: int = ROOMY, spare: int = 0) -> VectorCache:
        caches.append(VectorCache(tmp_path / "data", limit=limit, spare=spare))
        return caches[-1]

    yield make
    for cache in caches:
        cache.close()


def test_a_vector_is_found_at_once_and_after_a_restart(opened: Callable[..., VectorCache]) -> None:
    first = opened()
    first.keep(key(1), vector(1))
    found = first.find(key(1))
    first.close()
    again = opened().find(key(1))
    for one in (found, again):
        assert one is not None
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, vector(1))


def test_what_was_never_kept_is_not_found(opened: Callable[..., VectorCache]) -> None:
    cache = opened()
    cache.keep(key(1), vector(1))
    assert cache.find(key(2)) is None


def test_two_processes_on_one_file_find_each_others(opened: Callable[..., VectorCache]) -> None:
    one, other = opened(), opened()
    one.keep(key(1), vector(1))
    one.close()
    found = other.find(key(1))
    assert found is not None
    np.testing.assert_array_equal(found, vector(1))


def test_the_first_vector_under_a_key_stays(opened: Callable[..., VectorCache]) -> None:
    cache = opened()
    cache.keep(key(1), vector(1))
    cache.close()
    later = opened()
    later.keep(key(1), vector(2))
    later.close()
    found = opened().find(key(1))
    assert found is not None
    np.testing.assert_array_equal(found, vector(1))


def test_the_file_stays_within_its_limit_and_the_oldest_go(
    opened: Callable[..., VectorCache], tmp_path: Path
) -> None:
    limit = 1 << 20
    for start in range(0, 2000, 500):
        cache = opened(limit)
        for n in range(start, start + 500):
            cache.keep(key(n), vector(n))
        cache.close()
    cache = opened(limit)
    assert 200 < len(cache) <= limit // (768 * 4)
    assert cache.find(key(0)) is None
    found = cache.find(key(1999))
    assert found is not None
    np.testing.assert_array_equal(found, vector(1999))
    # Deleted pages are reused, so the file only exceeds its limit by the batches that went beyond it.
    assert (tmp_path / "data" / FILE).stat().st_size < 4 * limit


def test_many_threads_find_what_they_kept(opened: Callable[..., VectorCache]) -> None:
    cache = opened()
    wrong: list[int] = []

    def work(part: int) -> None:
        for n in range(part, 800, 8):
            cache.keep(key(n), vector(n, 16))
            found = cache.find(key(n))
            if found is None or not np.array_equal(found, vector(n, 16)):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    cache.close()
    with closing(opened()) as again:
        assert len(again) == 800


def test_vectors_that_come_faster_than_they_are_written_are_let_go_of_and_counted(
    opened: Callable[..., VectorCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = opened()
    held, going = threading.Event(), threading.Event()

    def slowly(_: object) -> bool:
        going.set()
        return held.wait(PATIENCE)

    monkeypatch.setattr(cache, "_write", slowly)
    for n in range(PENDING + 10):
        cache.keep(key(n), vector(n, 4))
    assert going.wait(PATIENCE)
    assert cache.dropped == 10
    assert cache.find(key(PENDING - 1)) is not None
    assert cache.find(key(PENDING + 1)) is None
    held.set()


def test_a_vector_is_in_the_file_soon_although_no_others_come(
    opened: Callable[..., VectorCache],
) -> None:
    one, other = opened(), opened()
    one.keep(key(1), vector(1))
    deadline = time.monotonic() + PATIENCE
    while (found := other.find(key(1))) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    np.testing.assert_array_equal(found, vector(1))


def test_a_full_disk_is_left_alone_and_that_is_counted_and_said_once(
    opened: Callable[..., VectorCache], caplog: pytest.LogCaptureFixture
) -> None:
    everything = 1 << 62
    cache = opened(spare=everything)
    for n in range(3 * AT_ONCE):
        cache.keep(key(n), vector(n, 4))
    cache.close()
    assert cache.dropped == 3 * AT_ONCE
    assert [
        record.message for record in caplog.records if "vectors are not cached" in record.message
    ]
    assert len(caplog.records) == 1
    with closing(opened()) as again:
        assert len(again) == 0


def broken(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 10_000)


def test_a_file_that_is_broken_meanwhile_costs_no_picture(
    opened: Callable[..., VectorCache], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened().close()
    cache = opened()
    broken(tmp_path / "data" / FILE)
    for n in range(10):
        cache.keep(key(n), vector(n))
        cache.find(key(100 + n))
    cache.close()
    [said] = caplog.records
    assert "the cache of vectors could not be" in said.message
    caplog.clear()
    with closing(opened()) as again:
        again.keep(key(1), vector(1))
        assert again.find(key(1)) is not None
    with closing(opened()) as later:
        assert len(later) == 1


def test_a_damaged_file_is_made_anew_when_a_worker_starts(
    opened: Callable[..., VectorCache], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").mkdir()
    broken(tmp_path / "data" / FILE)
    with closing(opened()) as cache:
        cache.keep(key(1), vector(1))
    assert "starting a new one" in caplog.text
    found = opened().find(key(1))
    assert found is not None
    np.testing.assert_array_equal(found, vector(1))
