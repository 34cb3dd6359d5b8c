"""One trace per chunk: the spans of a submit and of a worker, as a collector receives them over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.unit.workers.ingest.chunk_fixture import Workshop
from tests.unit.workers.ingest.test_chunk_worker import good
from vitrine.core.settings import Settings
from vitrine.messaging.broker import Publisher
from vitrine.telemetry.open import open_traces
from vitrine.telemetry.otel import ChunkIdGenerator
from vitrine.telemetry.traces import NoTraces, Traces

STAGES = {"fetch", "decode", "batch", "upsert", "record"}


class Collector(ThreadingHTTPServer):
    """Receives OTLP over HTTP and keeps the spans."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taker)
        self.spans: list[Span] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def by_name(self) -> dict[str, Span]:
        assert len({span.name for span in self.spans}) == len(self.spans)
        return {span.name: span for span in self.spans}


class _Taker(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def settings(collector: Collector, **more: object) -> Settings:
    return Settings.model_validate({"traces_url": collector.url, **more})


@contextmanager
def traced(shop: Workshop, traces: Traces) -> Iterator[None]:
    shop.worker = replace(shop.worker, traces=traces)
    with closing(traces):
        yield


def test_a_chunk_is_one_trace_from_submit_to_ledger(
    collector: Collector, redis_server: str
) -> None:
    asked = settings(collector, redis_url=redis_server)
    with Workshop(good(8)) as shop:
        job = shop.job(8)
        with closing(Publisher(asked, open_traces(asked, "producer"))) as publisher:
            publisher.publish(job, [0], "nobody-takes-these")
        with traced(shop, open_traces(asked, "worker")):
            assert shop.ingest(job)["embedded"] == 8
    spans = collector.by_name()
    assert set(spans) == {"submit", "queue", "ingest"} | STAGES
    assert len({span.trace_id for span in spans.values()}) == 1
    submit, ingest = spans["submit"], spans["ingest"]
    assert submit.parent_span_id == b""
    assert spans["queue"].parent_span_id == ingest.parent_span_id == submit.span_id
    for name in STAGES:
        assert spans[name].parent_span_id == ingest.span_id
        inside = ingest.start_time_unix_nano <= spans[name].start_time_unix_nano + SLACK
        assert inside
        assert spans[name].end_time_unix_nano <= ingest.end_time_unix_nano + SLACK
    began = [spans[name].start_time_unix_nano for name in ("fetch", "decode", "batch", "upsert")]
    assert began == sorted(began)
    about = {pair.key: pair.value for pair in ingest.attributes}
    assert about["vitrine.job"].string_value == job
    assert about["vitrine.chunk"].int_value == 0


SLACK = 50_000_000
"""Nanoseconds by which readings of two clocks may differ on a busy machine."""


def test_a_chunk_that_is_done_carefully_tells_the_same_stages(collector: Collector) -> None:
    with Workshop(good(4)) as shop:
        job = shop.job(4)
        died = shop.ledger.lease(job, 0, seconds=0.0)
        assert died
        with traced(shop, open_traces(settings(collector), "worker")):
            assert shop.ingest(job)["embedded"] == 4
    assert set(collector.by_name()) >= {"ingest"} | STAGES


def test_an_error_that_leaves_a_chunk_is_told(collector: Collector) -> None:
    traces = open_traces(settings(collector), "worker")
    with closing(traces), pytest.raises(ZeroDivisionError), traces.chunk("j", 1):
        raise ZeroDivisionError
    [ingest] = collector.spans
    assert [event.name for event in ingest.events] == ["exception"]


def test_a_share_keeps_the_same_chunks_everywhere_and_the_others_nowhere(
    collector: Collector,
) -> None:
    numbers = range(200)
    told = {}
    for service in ("producer", "worker"):
        collector.spans.clear()
        traces = open_traces(settings(collector, traces_sample_ratio=0.3), service)
        with closing(traces):
            if service == "producer":
                traces.submitted("job", numbers, "builtin", 0.0)
            else:
                for number in numbers:
                    with traces.chunk("job", number):
                        pass
        told[service] = {span.trace_id for span in collector.spans}
    assert told["producer"] == told["worker"]
    assert 20 < len(told["worker"]) < 120


def test_ids_follow_from_the_chunk_alone() -> None:
    assert ChunkIdGenerator.of("a", 1) == ChunkIdGenerator.of("a", 1)
    assert len({ChunkIdGenerator.of(job, number)[0] for job in "ab" for number in range(50)}) == 100


def test_without_an_address_nothing_is_traced() -> None:
    assert isinstance(open_traces(Settings(), "worker"), NoTraces)
