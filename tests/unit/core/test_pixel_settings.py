"""The settings that control how pictures become pixels."""

from __future__ import annotations

import pytest

from vitrine.core.errors import BadInput
from vitrine.core.load_settings import load


def test_pictures_take_the_fast_way_in_full_unless_told_otherwise() -> None:
    settings = load()
    assert settings.preprocess == "fast"
    assert not settings.jpeg_scaling


def test_scaling_is_refused_with_the_reference_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PREPROCESS", "reference")
    monkeypatch.setenv("VITRINE_JPEG_SCALING", "true")
    with pytest.raises(
        BadInput, match=r"VITRINE_JPEG_SCALING.*VITRINE_PREPROCESS=reference always"
    ):
        load()


def test_another_way_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PREPROCESS", "quick")
    with pytest.raises(BadInput, match="VITRINE_PREPROCESS"):
        load()
