"""Fixtures for tests with pictures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from PIL import Image

from workers.images.pillow_decode import prepare_pillow


@pytest.fixture
def prepared_pillow() -> Iterator[None]:
    """Configure Pillow as a worker does, for one test."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        prepare_pillow()
        yield
    Image.MAX_IMAGE_PIXELS = limit
