"""The API's metrics, read back as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.api.api_fixture import Stage
from vitrine.core.errors import LedgerUnavailable

Read = Callable[[], dict[tuple[str, frozenset[tuple[str, str]]], float]]


@pytest.fixture
def read(stage: Stage) -> Read:
    """Scrape once; return samples by name and labels."""

    def scrape() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        answer = stage.client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    return scrape


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_requests_are_counted_by_route_and_status_never_by_path(stage: Stage, read: Read) -> None:
    for number in range(3):
        assert stage.client.get(f"/v1/jobs/nosuchjob{number:03}").status_code == 404
        assert stage.client.get(f"/no/such/{number}").status_code == 404
    samples = read()
    name = "vitrine_http_requests_total"
    assert samples[key(name, method="GET", route="/v1/jobs/{job}", status="404")] == 3
    assert samples[key(name, method="GET", route="unmatched", status="404")] == 3
    seconds = "vitrine_http_request_seconds_count"
    assert samples[key(seconds, method="GET", route="/v1/jobs/{job}")] == 3
    assert not any("nosuchjob" in str(labels) for _, labels in samples)


def test_a_method_that_nobody_knows_makes_no_series_of_its_own(stage: Stage, read: Read) -> None:
    stage.client.request("BREW", "/v1/jobs")
    methods = {dict(labels).get("method") for name, labels in read() if "http" in name}
    assert methods == {"other", None}


def test_what_waits_and_who_works_is_told_as_it_is_now(stage: Stage, read: Read) -> None:
    stage.job(images=3)
    samples = read()
    assert samples[key("vitrine_ledger_up")] == 1
    assert samples[key("vitrine_jobs_active")] == 1
    assert samples[key("vitrine_pending_images")] == 3
    assert samples[key("vitrine_queue_depth", model="builtin", lane="bulk")] == 1
    assert samples[key("vitrine_queue_depth", model="builtin", lane="query")] == 0
    assert samples[key("vitrine_chunks_left", place="queued")] == 1
    assert samples[key("vitrine_workers", model="builtin")] == 1


def test_a_search_shows_in_the_stores_seconds(stage: Stage, read: Read) -> None:
    assert stage.client.get("/v1/collections").status_code == 200
    samples = read()
    counted = samples[key("vitrine_store_seconds_count", operation="collections", outcome="ok")]
    assert counted == 1


def test_without_redis_that_is_what_is_told_and_nothing_made_up(stage: Stage, read: Read) -> None:
    stage.query_client.failure = LedgerUnavailable("Redis does not answer.")
    samples = read()
    assert samples[key("vitrine_ledger_up")] == 0
    assert key("vitrine_pending_images") not in samples


def test_the_workers_that_tell_their_metrics_are_named_as_targets(stage: Stage) -> None:
    silent = stage.query_client.crew[0]
    stage.query_client.crew = [silent, replace(silent, node="other", metrics="worker-7:9100")]
    answer = stage.client.get("/v1/metrics/targets")
    assert answer.json() == [
        {
            "targets": ["worker-7:9100"],
            "labels": {"node": "other", "model": "builtin", "device": "cpu"},
        }
    ]
