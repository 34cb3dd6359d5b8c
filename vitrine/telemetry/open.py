"""Which traces a process makes, from its settings; OpenTelemetry is imported only where it is asked for."""

from __future__ import annotations

from vitrine.core.errors import BadInput
from vitrine.core.settings import Settings
from vitrine.telemetry.traces import NoTraces, Traces


def open_traces(settings: Settings, service: str) -> Traces:
    """What the settings ask for; `service` is who tells.

    Raises `BadInput` where traces are asked for and OpenTelemetry is not installed.
    """
    if settings.traces_url is None:
        return NoTraces()
    try:
        from vitrine.telemetry.otel import open_otel  # noqa: PLC0415 - the extra `otel` is optional
    except ImportError as error:
        raise BadInput(
            "VITRINE_TRACES_URL asks for traces, and OpenTelemetry is not installed.",
            hint="Install vitrine[otel], or leave VITRINE_TRACES_URL out.",
        ) from error
    return open_otel(settings.traces_url, service, share=settings.traces_sample_ratio)
