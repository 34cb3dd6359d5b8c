"""OpenTelemetry traces, sent to a collector (OTLP over HTTP) in the background. If it is unreachable, only spans are lost."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, Tracer

from vitrine import __version__
from vitrine.telemetry.stage_times import StageTimes
from vitrine.telemetry.traces import ChunkTrace

SEND_SECONDS = 5
"""Timeout of one request to the collector, and for sending the last spans at the end."""


class ChunkIdGenerator(RandomIdGenerator):
    """Random ids, except for the first span of a chunk's trace: its ids are derived from job and number."""

    def __init__(self) -> None:
        self._given = threading.local()

    @staticmethod
    def of(job: str, number: int) -> tuple[int, int]:
        """Return the chunk's trace id (128 bits) and first span id (64 bits), the same in every process."""
        digest = hashlib.sha256(f"{job}/{number}".encode()).digest()
        return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1

    @contextmanager
    def given(self, job: str, number: int) -> Iterator[None]:
        """Use the chunk's ids for a span that this thread starts within the block."""
        self._given.ids = self.of(job, number)
        try:
            yield
        finally:
            del self._given.ids

    def generate_trace_id(self) -> int:
        """Return the chunk's trace id, or a random one."""
        ids: tuple[int, int] | None = getattr(self._given, "ids", None)
        return ids[0] if ids else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the chunk's first span id, or a random one."""
        ids: tuple[int, int] | None = getattr(self._given, "ids", None)
        return ids[1] if ids else super().generate_span_id()


class OtelTraces:
    """`vitrine.telemetry.traces.Traces` with an exporter. Keeps `share` of the traces, the same ones in every process."""

    def __init__(self, service: str, exporter: SpanExporter, *, share: float) -> None:
        self._ids = ChunkIdGenerator()
        self._provider = TracerProvider(
            resource=Resource.create(
                {"service.name": f"vitrine-{service}", "service.version": __version__}
            ),
            id_generator=self._ids,
            sampler=TraceIdRatioBased(share),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, export_timeout_millis=1000 * SEND_SECONDS)
        )
        self._tracer = self._provider.get_tracer("vitrine", __version__)
        self._closed = False

    @property
    def on(self) -> bool:
        return True

    def submitted(self, job: str, numbers: Sequence[int], model: str, began: float) -> None:
        start, end = unix_ns(began), time.time_ns()
        for number in numbers:
            with self._ids.given(job, number):
                span = self._tracer.start_span(
                    "submit",
                    context=Context(),
                    kind=SpanKind.PRODUCER,
                    start_time=start,
                    attributes={**_about(job, number), "vitrine.model": model},
                )
            span.end(end)

    @contextmanager
    def chunk(self, job: str, number: int) -> Iterator[ChunkTrace]:
        trace_id, span_id = ChunkIdGenerator.of(job, number)
        first = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(1))
        submit = trace.set_span_in_context(NonRecordingSpan(first), Context())
        with self._tracer.start_as_current_span(
            "ingest", context=submit, kind=SpanKind.CONSUMER, attributes=_about(job, number)
        ) as ingest:
            yield _OtelChunkTrace(self._tracer, submit, ingest)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._provider.force_flush(1000 * SEND_SECONDS)
            self._provider.shutdown()


class _OtelChunkTrace:
    def __init__(self, tracer: Tracer, submit: Context, ingest: Span) -> None:
        self._tracer = tracer
        self._submit = submit
        self._ingest = trace.set_span_in_context(ingest, Context())

    def waited(self, seconds: float) -> None:
        now = time.time_ns()
        start = now - int(1e9 * max(0.0, seconds))
        self._tracer.start_span("queue", context=self._submit, start_time=start).end(now)

    def worked(self, times: StageTimes) -> None:
        for stage, first, last in times.spans():
            span = self._tracer.start_span(stage, context=self._ingest, start_time=unix_ns(first))
            span.end(unix_ns(last))


def open_otel(url: str, service: str, *, share: float) -> OtelTraces:
    """Return traces for the collector at the URL. Nothing is sent yet."""
    return OtelTraces(service, OTLPSpanExporter(endpoint=url, timeout=SEND_SECONDS), share=share)


def unix_ns(monotonic: float) -> int:
    """Convert a moment of the monotonic clock to Unix time in nanoseconds."""
    return time.time_ns() - int(1e9 * (time.monotonic() - monotonic))


def _about(job: str, number: int) -> dict[str, str | int]:
    return {"vitrine.job": job, "vitrine.chunk": number}
