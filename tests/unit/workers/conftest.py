"""What tests of pictures share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from PIL import Image

from workers.images.pillow_decode import prepare_pillow


@pytest.fixture
def prepared_pillow() -> Iterator[None]:
    """Pillow as a worker sets it up, for one test."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        prepare_pillow()
        yield
    Image.MAX_IMAGE_PIXELS = limit
