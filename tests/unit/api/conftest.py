"""Fixtures: the API over in-memory parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.api.api_fixture import Stage, make_stage, put
from vitrine.core.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(max_pending_images=50, max_upload_bytes=100_000, fetch_max_bytes=30_000)


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    """The API with a collection `summer` of three items, the first of which has two pictures."""
    made = make_stage(settings)
    put(
        made.store,
        "summer",
        ("shirt", 0, b"shirt front", {"colour": "red", "price": 20}),
        ("shirt", 1, b"shirt back", {"colour": "red", "price": 20}),
        ("bag", 0, b"bag", {"colour": "blue", "price": 80}),
        ("scarf", 0, b"scarf", {"colour": "red", "price": 10}),
    )
    with made.client:
        yield made
