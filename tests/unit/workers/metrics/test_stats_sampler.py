"""A worker's rates over its last seconds, from monotonic counters."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from redis import Redis

from vitrine.messaging import worker_stats
from workers.metrics.stats_sampler import WINDOW, CounterSnapshot, StatsSampler


class InWork:
    """The leased chunks of a worker."""

    def held(self) -> int:
        return 3

    def in_stages(self) -> dict[str, dict[str, int]]:
        return {"a-job": {"fetch": 60, "batch": 4}, "other": {"decode": 1}}


START = CounterSnapshot(100.0, 0, 0, 0, 0, 0.0, 0, 0)


def test_rates_are_over_the_samples_that_are_kept(redis_server: str) -> None:
    present = START
    with closing(Redis.from_url(redis_server)) as redis:
        signs = StatsSampler(redis, "vital-node", lambda: present, InWork())
        for step in range(1, 2 * WINDOW + 1):
            # Ten samples without change, then ten in which everything grows.
            fast = max(0, step - WINDOW)
            present = CounterSnapshot(
                100.0 + 2 * step, 90 * fast, 10 * fast, 4 * fast, 1e6 * fast, 1.5 * fast,
                2 * fast, 100 * fast,
            )  # fmt: skip
            signs.sample()
        told = worker_stats.read_stats(redis, ["vital-node", "nobody"])
        signs.close()
        assert worker_stats.read_stats(redis, ["vital-node"]) == {}
    assert set(told) == {"vital-node"}
    found = told["vital-node"]
    assert worker_stats.images_in_stages([found, found], "a-job") == {"fetch": 120, "batch": 8}
    assert worker_stats.images_in_stages([found], "nobody's") == {}
    assert (found.embedded, found.failed, found.chunks) == (90 * WINDOW, 10 * WINDOW, 3)
    # The oldest kept sample was taken one step before the last ten.
    seconds = 2 * (WINDOW + 1)
    assert found.images_per_second == pytest.approx(100 * WINDOW / seconds)
    assert found.queries_per_second == pytest.approx(4 * WINDOW / seconds)
    assert found.bytes_per_second == pytest.approx(1e6 * WINDOW / seconds)
    assert found.device_busy == pytest.approx(1.5 * WINDOW / seconds)
    assert found.batch_size == pytest.approx(50)
    assert found.memory_bytes >= 0


def test_a_device_is_never_busier_than_all_of_the_time(redis_server: str) -> None:
    counts = [START, replace(START, at=101.0, busy_seconds=5.0)]
    with closing(Redis.from_url(redis_server)) as redis:
        signs = StatsSampler(redis, "busy-node", lambda: counts.pop(0), InWork())
        assert signs.now().device_busy == 1.0
