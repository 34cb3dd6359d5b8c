"""A picture or words among many in one request: what cannot be used fails for itself, not the request.

A URL that is none, base64 that is none, an empty upload: each becomes the error that a worker would give for it.
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
    """How a request's pictures shall be embedded; see `vitrine.query.protocol.Query`."""

    grey: bool = False
    fresh: bool = False


PLAIN = EmbedOptions()
Asked = Query | UnusablePicture
"""A question for a worker, or why there is no use in asking."""


def by_url(url: str, how: EmbedOptions = PLAIN) -> Asked:
    """The picture at a URL, which a worker fetches."""
    if not is_allowed_in_requests(url):
        return UnusablePicture(FailureReason.BAD_URL, ONLY_FETCHED)
    return Query("url", url.encode(), grey=how.grey, fresh=how.fresh)


def by_base64(text: str, how: EmbedOptions = PLAIN) -> Asked:
    """The picture of base64, also behind a `data:image/…;base64,` prefix."""
    try:
        return by_bytes(base64.b64decode(strip_data_url_prefix(text), validate=True), how)
    except (binascii.Error, ValueError):
        return UnusablePicture(FailureReason.NOT_AN_IMAGE, "it is not base64")


def by_bytes(data: bytes, how: EmbedOptions = PLAIN) -> Asked:
    """The picture itself."""
    if not data:
        return UnusablePicture(FailureReason.NOT_AN_IMAGE, "it is empty")
    return Query("image", data, grey=how.grey, fresh=how.fresh)


def by_text(text: str) -> Asked:
    """Words, for a model with a text tower."""
    return Query("text", text.encode())
