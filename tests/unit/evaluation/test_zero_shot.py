"""Classes given as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.evaluation.samples import unit
from vitrine.core.errors import BadInput
from vitrine.evaluation.zero_shot import check_templates, class_text, class_vectors, fill_template


def test_words_are_placed_and_braces_within_them_are_words() -> None:
    assert (
        fill_template("A photo of a {text}.", "n01", "tench, {label}")
        == "A photo of a tench, {label}."
    )
    assert fill_template("{label}: {} or {text}", "n01", "tench") == "n01: tench or tench"


def test_a_label_without_a_name_is_read_as_words() -> None:
    assert class_text("women-tops_hoodies/x", {}) == "women tops hoodies x"
    assert class_text("n01440764", {"n01440764": "tench, Tinca tinca"}) == "tench, Tinca tinca"


def test_a_template_without_a_place_is_refused() -> None:
    with pytest.raises(BadInput, match="no placeholder for the class"):
        check_templates(["A photo of a {text}.", "A photo."])


def test_several_templates_are_averaged_to_unit_length() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return unit([[1.0, 0.0] if text.startswith("a") else [0.0, 1.0] for text in texts])

    vectors = class_vectors(["x", "y"], {"y": "why"}, ["a {}", "b {}"], embed)
    assert asked == ["a x", "b x", "a why", "b why"]
    np.testing.assert_allclose(vectors, unit([[1, 1], [1, 1]]), atol=1e-6)
