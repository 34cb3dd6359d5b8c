"""Log output: JSON for programs, text for people. Both are redacted."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import orjson

from vitrine.telemetry.context import record_fields
from vitrine.telemetry.redaction import redact

_WORDS = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class HumanFormatter(logging.Formatter):
    """Formats a record as text: time, level, logger, message, then its fields. An exception follows on separate lines."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base's name
        told = super().formatMessage(record)
        fields = record_fields(record)
        return f"{told}  {_pairs(fields)}" if fields else told


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: time (UTC, ISO 8601), level, logger, event, fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for name, value in record_fields(record).items():
            told.setdefault(name, redact(value) if isinstance(value, str) else value)
        if record.exc_info:
            told["exception"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(told, default=str).decode()


def humanize_json_line(line: str) -> str:
    """Return a JSON log line as text for a person. Any other line is returned unchanged."""
    try:
        told = orjson.loads(line)
        time, level, logger, event = (told.pop(key) for key in ("time", "level", "logger", "event"))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return line
    exception = told.pop("exception", None)
    words = f"{time} {level.upper():7} {logger}: {event}"
    if told:
        words += f"  {_pairs(told)}"
    return f"{words}\n{exception}" if exception else words


def human_formatter() -> logging.Formatter:
    """Return the formatter for people."""
    return HumanFormatter(_WORDS)


def _pairs(fields: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())


LogFormat: TypeAlias = Literal["auto", "json", "human"]

_NOISY = (
    # Their lines about each message or connection add nothing to ours.
    "celery.worker.strategy", "celery.app.trace", "kombu", "httpx", "httpcore", "urllib3",
    # Logs the headers of HTTP/2 requests, including the store's key.
    "hpack",
)  # fmt: skip


def configure_logging(level: str, form: LogFormat = "auto") -> None:
    """Log to stderr. `auto` means text on a terminal, otherwise one JSON object per line."""
    human = form == "human" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(human_formatter() if human else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
