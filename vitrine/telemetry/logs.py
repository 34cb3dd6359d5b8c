"""Where log lines go and in which form; called once by each composition root."""

from __future__ import annotations

import logging
import sys
from typing import Literal, TypeAlias

from vitrine.telemetry.lines import JsonFormatter, human_formatter

Form: TypeAlias = Literal["auto", "json", "human"]

_NOISY = (
    # Their lines about each message or connection say nothing that ours do not.
    "celery.worker.strategy", "celery.app.trace", "kombu", "httpx", "httpcore", "urllib3",
    # Shows the headers of HTTP/2 requests, the store's key among them.
    "hpack",
)  # fmt: skip


def configure_logging(level: str, form: Form = "auto") -> None:
    """Log to stderr. `auto` is words on a terminal, else a JSON object a line."""
    human = form == "human" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(human_formatter() if human else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
