"""Logs for people and programs: one event per line, with its context fields, and with secrets redacted."""

from vitrine.telemetry.context import bind_fields, bind_process_fields, log_fields
from vitrine.telemetry.logs import (
    HumanFormatter,
    JsonFormatter,
    configure_logging,
    humanize_json_line,
)
from vitrine.telemetry.redaction import redact, redact_url

__all__ = [
    "HumanFormatter",
    "JsonFormatter",
    "bind_fields",
    "bind_process_fields",
    "configure_logging",
    "humanize_json_line",
    "log_fields",
    "redact",
    "redact_url",
]
