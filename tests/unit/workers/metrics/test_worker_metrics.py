"""A worker's counts of chunks, questions, batches and store calls, read back as Prometheus reads them."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from vitrine.core.errors import StoreUnavailable
from vitrine.store.timed import timed_store
from vitrine.testing.memory_store import MemoryStore
from workers.batching.stats import BatchStats
from workers.metrics import WorkerMetrics


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics()


def value(metrics: WorkerMetrics, name: str, **labels: str) -> float:
    """Return the value of one sample; fails if it is not exported."""
    found = [
        sample.value
        for family in text_string_to_metric_families(generate_latest(metrics.registry).decode())
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) == 1, (name, labels)
    return found[0]


def test_a_chunks_pictures_are_counted_by_outcome_and_reason(metrics: WorkerMetrics) -> None:
    with metrics.chunk() as report:
        report |= {
            "embedded": 60,
            "failed": 3,
            "put_off": 1,
            "failed.not_found": 2,
            "failed.timeout": 1,
        }
    name = "vitrine_images_total"
    assert value(metrics, name, outcome="embedded", reason="") == 60
    assert value(metrics, name, outcome="failed", reason="not_found") == 2
    assert value(metrics, name, outcome="failed", reason="timeout") == 1
    assert value(metrics, "vitrine_images_put_off_total") == 1
    assert value(metrics, "vitrine_chunks_total", outcome="done") == 1
    assert value(metrics, "vitrine_stage_seconds_count", stage="chunk") == 1
    assert (metrics.embedded_so_far, metrics.failed_so_far) == (60, 3)


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        ({"refused": "leased"}, "refused"),
        ({"given_back": "store_unavailable"}, "given_back"),
        ({"parked": "chunk 9 a 1"}, "parked"),
    ],
    ids=["refused", "given_back", "parked"],
)
def test_a_chunk_that_was_not_done_counts_no_picture(
    metrics: WorkerMetrics, report: dict[str, int | str], outcome: str
) -> None:
    with metrics.chunk() as told:
        told.update(report)
    assert value(metrics, "vitrine_chunks_total", outcome=outcome) == 1
    assert value(metrics, "vitrine_images_total", outcome="embedded", reason="") == 0


def test_what_of_a_chunk_was_written_before_it_was_given_back_is_counted(
    metrics: WorkerMetrics,
) -> None:
    with metrics.chunk() as report:
        report |= {
            "embedded": 16,
            "failed": 1,
            "put_off": 0,
            "failed.timeout": 1,
            "given_back": "x",
        }
    assert value(metrics, "vitrine_chunks_total", outcome="given_back") == 1
    assert value(metrics, "vitrine_images_total", outcome="embedded", reason="") == 16
    assert value(metrics, "vitrine_images_total", outcome="failed", reason="timeout") == 1


def test_a_chunk_that_raises_is_counted_as_that(metrics: WorkerMetrics) -> None:
    with pytest.raises(ZeroDivisionError), metrics.chunk():
        raise ZeroDivisionError
    assert value(metrics, "vitrine_chunks_total", outcome="raised") == 1


def test_questions_are_counted_one_by_one(metrics: WorkerMetrics) -> None:
    metrics.query_done({"answered": 5, "refused": 1, "dropped": 2}, 0.01)
    for outcome, count in (("answered", 5), ("refused", 1), ("dropped", 2)):
        assert value(metrics, "vitrine_queries_total", outcome=outcome) == count
    assert metrics.answered_so_far == 5


def test_batches_are_followed_by_lane_and_the_device_by_its_busy_seconds(
    metrics: WorkerMetrics,
) -> None:
    gauge = BatchStats()
    metrics.watch_batches(gauge)
    gauge.finished(10.0, 10.5, bulk=True)
    gauge.answered(48, bulk=True)
    gauge.answered(1, bulk=False)
    assert value(metrics, "vitrine_batch_size_sum", lane="bulk") == 48
    assert value(metrics, "vitrine_batch_size_count", lane="query") == 1
    assert value(metrics, "vitrine_stage_seconds_sum", stage="device") == 0.5
    assert value(metrics, "vitrine_device_busy_seconds_total") == 0.5


def test_the_stores_calls_are_timed_and_its_failures_told_apart(metrics: WorkerMetrics) -> None:
    class Away(MemoryStore):
        def ping(self) -> None:
            raise StoreUnavailable("gone")

    store = timed_store(Away(), metrics.store_called)
    assert store.collections() == []
    assert store.collections() == []
    with pytest.raises(StoreUnavailable):
        store.ping()
    name = "vitrine_store_seconds_count"
    assert value(metrics, name, operation="collections", outcome="ok") == 2
    assert value(metrics, name, operation="ping", outcome="error") == 1


def test_two_workers_in_one_process_do_not_share_a_count() -> None:
    first, second = WorkerMetrics(), WorkerMetrics()
    first.fetched(100)
    assert value(first, "vitrine_fetched_bytes_total") == 100
    assert value(second, "vitrine_fetched_bytes_total") == 0
