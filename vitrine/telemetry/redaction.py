"""Takes secrets out of text that people or programs will read: credentials within URLs, and API keys."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s]*@", re.IGNORECASE)
_KEY = re.compile(r"\bvitrine_[0-9a-f]{64}")
"""An API key, as `vitrine.core.api_keys` makes them."""


def redact_url(text: str) -> str:
    """Replace the credentials of any URL within the text."""
    return _CREDENTIALS.sub(r"\g<scheme>***@", text)


def redact(text: str) -> str:
    """Replace the credentials of any URL, and any API key, within the text."""
    return _KEY.sub("vitrine_***", redact_url(text))
