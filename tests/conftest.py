"""Fixtures that every suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real catalog pictures, odd files and a pretrained model; skips where absent."""
    path = Path(os.environ.get("VITRINE_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (path / "labels.csv").is_file():
        pytest.skip(f"the data set of real pictures is not at {path} (set VITRINE_TEST_DATA)")
    return path
