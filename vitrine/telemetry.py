"""Logs for people and programs: one event a line, no secret in any of them."""

from __future__ import annotations

import logging
import re
import sys

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s]*@", re.IGNORECASE)
_KEY = re.compile(r"\bvitrine_[0-9a-f]{64}")
"""An API key, as `vitrine.api_keys` makes them."""
_NOISY = (
    # Their lines about each message or connection say nothing that ours do not.
    "celery.worker.strategy", "celery.app.trace", "kombu", "httpx", "httpcore", "urllib3",
    # Shows the headers of HTTP/2 requests, the store's key among them.
    "hpack",
)  # fmt: skip
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def redact_url(text: str) -> str:
    """Replace the credentials of any URL within the text."""
    return _CREDENTIALS.sub(r"\g<scheme>***@", text)


def redact(text: str) -> str:
    """Replace the credentials of any URL, and any API key, within the text."""
    return _KEY.sub("vitrine_***", redact_url(text))


class Redacting(logging.Formatter):
    """A formatter that redacts what it formats, exceptions included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure_logging(level: str) -> None:
    """Log to stderr; called once by a composition root."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redacting(_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
