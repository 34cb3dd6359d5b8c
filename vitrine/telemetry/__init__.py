"""Logs for people and programs: one event a line, what it is about bound to it, no secret in any of them."""

from vitrine.telemetry.context import bind_fields, bind_process_fields, log_fields
from vitrine.telemetry.logs import HumanFormatter, JsonFormatter, configure_logging, readable
from vitrine.telemetry.redaction import redact, redact_url

__all__ = [
    "HumanFormatter",
    "JsonFormatter",
    "bind_fields",
    "bind_process_fields",
    "configure_logging",
    "log_fields",
    "readable",
    "redact",
    "redact_url",
]
