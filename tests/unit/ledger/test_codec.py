"""What the ledger writes about a picture is what was put in."""

from __future__ import annotations

from typing import Any

from vitrine.core.types import ImageRef
from vitrine.ledger.codec import pack_images, unpack_images

PAYLOAD: dict[str, Any] = {
    "sizes": [41, 42.5],
    "whole": [41.0, 42.0],
    "eans": [2**53 + 1, -(2**63)],
    "tags": ["42", "L"],
    "added": "2026-11-03T00:00:00Z",
    "empty": [],
    "nothing": None,
}


def test_a_payload_keeps_its_numbers_as_they_are() -> None:
    (image,) = unpack_images(pack_images([ImageRef(0, "a", 0, "https://shop.example/a", PAYLOAD)]))
    assert image.payload == PAYLOAD
    assert repr(image.payload) == repr(PAYLOAD)  # 41 and 41.0 are equal, and not the same
