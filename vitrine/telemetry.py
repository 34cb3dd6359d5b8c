"""Logs for people and programs: one event a line, no secret in any of them."""

from __future__ import annotations

import logging
import re
import sys

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@]*@", re.IGNORECASE)
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def redact_url(text: str) -> str:
    """Replace the credentials of any URL within the text."""
    return _CREDENTIALS.sub(r"\g<scheme>***@", text)


class Redacting(logging.Formatter):
    """A formatter that redacts what it formats, exceptions included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact_url(super().format(record))


def configure_logging(level: str) -> None:
    """Log to stderr; called once by a composition root."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Their lines about each message or connection say nothing that ours do not.
    for noisy in ("celery.worker.strategy", "celery.app.trace", "kombu", "httpx", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
