from __future__ import annotations

import io

import pytest
from PIL import Image

from workers.images.decode_cost import BY_PILLOW, FAST_JPEG, WEBP, DecodeCost, decode_cost

PIXELS = 40 * 30
LIMIT = 1_000_000


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "fast", "expected"),
    [
        ("JPEG", True, FAST_JPEG),
        ("JPEG", False, BY_PILLOW),
        ("PNG", True, BY_PILLOW),
        ("WEBP", True, WEBP),
    ],
)
def test_a_pictures_memory_goes_by_its_size_and_who_decodes_it(
    kind: str, fast: bool, expected: int
) -> None:
    found = decode_cost(picture(kind), fast=fast, max_pixels=LIMIT)
    assert found == DecodeCost(PIXELS, PIXELS * expected)


def test_what_is_refused_unseen_takes_nothing() -> None:
    assert decode_cost(picture("PNG"), fast=True, max_pixels=PIXELS - 1) == (0, 0)
    assert decode_cost(b"<html>not a picture</html>", fast=True, max_pixels=LIMIT) == (0, 0)


def test_a_picture_that_hides_its_size_may_be_as_large_as_any() -> None:
    assert decode_cost(b"\xff\xd8\xff\xe0", fast=True, max_pixels=LIMIT).pixels == LIMIT
