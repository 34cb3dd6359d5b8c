"""A model that no worker could open is refused before anything starts, with a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrine.core.errors import BadInput
from vitrine.core.model_registry import check_model_name


@pytest.mark.parametrize(
    "name",
    ["builtin", "google/siglip2-base-patch16-224", "shop/own-model@v2", "timed-64-in-100ms"],
)
def test_what_could_be_a_model_passes(name: str) -> None:
    check_model_name(name)


def test_a_directory_passes(tmp_path: Path) -> None:
    check_model_name(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/no/such/model", "There is no model directory /no/such/model"),
        ("./models/absent", "There is no model directory"),
        ("dinov2-base", r"Did you mean facebook/dinov2-base\?"),
        ("siglip2-base-patch16-242", r"Did you mean google/siglip2-base-patch16-224\?"),
        ("zebra", "List the known models"),
    ],
)
def test_what_cannot_is_refused_by_name(name: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_model_name(name)
