"""Logs for people and programs: one event a line, what it is about bound to it, no secret in any of them."""

from vitrine.telemetry.context import about, always, bound
from vitrine.telemetry.lines import JsonLines, Redacting, readable
from vitrine.telemetry.logs import configure_logging
from vitrine.telemetry.redaction import redact, redact_url

__all__ = [
    "JsonLines",
    "Redacting",
    "about",
    "always",
    "bound",
    "configure_logging",
    "readable",
    "redact",
    "redact_url",
]
