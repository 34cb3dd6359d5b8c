"""Redaction of secrets in text for people or programs: credentials in URLs, and API keys."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s]*@", re.IGNORECASE)
_KEY = re.compile(r"\bvitrine_[0-9a-f]{64}")
"""An API key in the form that `vitrine.core.api_keys` generates."""


def redact_url(text: str) -> str:
    """Replace the credentials of every URL in the text."""
    return _CREDENTIALS.sub(r"\g<scheme>***@", text)


def redact(text: str) -> str:
    """Replace the credentials of every URL, and every API key, in the text."""
    return _KEY.sub("vitrine_***", redact_url(text))
