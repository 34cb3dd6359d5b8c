"""Open the traces that a process's settings ask for. OpenTelemetry is imported only if it is needed."""

from __future__ import annotations

from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.telemetry.traces import NoTraces, Traces


def open_traces(settings: Settings, service: str) -> Traces:
    """Open the traces in the settings. `service` is the name of the reporting service.

    Raises `BadInput` if the settings ask for traces and OpenTelemetry is not installed.
    """
    if settings.traces_url is None:
        return NoTraces()
    try:
        from vitrine.telemetry.otel import open_otel  # noqa: PLC0415 - the extra `otel` is optional
    except ImportError as error:
        raise BadInput(
            "VITRINE_TRACES_URL enables traces, but OpenTelemetry is not installed.",
            hint="Install vitrine[otel], or unset VITRINE_TRACES_URL.",
        ) from error
    return open_otel(settings.traces_url, service, share=settings.traces_sample_ratio)
