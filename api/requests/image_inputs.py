"""Pictures and texts of requests with many inputs: an unusable input fails alone, not the whole request.

An invalid URL, invalid base64 or an empty upload becomes the error that a worker would return for it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from vitrine.core.schemes import ONLY_FETCHED, is_allowed_in_requests, strip_data_url_prefix
from vitrine.core.types import FailureReason
from vitrine.query.client import Query, UnusablePicture


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """The options for embedding a request's pictures; see `vitrine.query.protocol.Query`."""

    grey: bool = False
    fresh: bool = False


PLAIN = EmbedOptions()
Asked = Query | UnusablePicture
"""A query for a worker, or the reason why it would fail."""


def by_url(url: str, how: EmbedOptions = PLAIN) -> Asked:
    """Return the query for a picture by URL, which a worker fetches."""
    if not is_allowed_in_requests(url):
        return UnusablePicture(FailureReason.BAD_URL, ONLY_FETCHED)
    return Query("url", url.encode(), grey=how.grey, fresh=how.fresh)


def by_base64(text: str, how: EmbedOptions = PLAIN) -> Asked:
    """Return the query for a picture in base64, with or without a `data:image/…;base64,` prefix."""
    try:
        return by_bytes(base64.b64decode(strip_data_url_prefix(text), validate=True), how)
    except (binascii.Error, ValueError):
        return UnusablePicture(FailureReason.NOT_AN_IMAGE, "it is not base64")


def by_bytes(data: bytes, how: EmbedOptions = PLAIN) -> Asked:
    """Return the query for a picture by its bytes."""
    if not data:
        return UnusablePicture(FailureReason.NOT_AN_IMAGE, "it is empty")
    return Query("image", data, grey=how.grey, fresh=how.fresh)


def by_text(text: str) -> Asked:
    """Return the query for a text, which needs a model with a text tower."""
    return Query("text", text.encode())
