"""The README's five minutes work when pasted: beside the demo, in a fresh folder, from another terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.e2e.docs.doc_pages import blocks, demo, run

pytestmark = pytest.mark.e2e


def test_the_five_minutes_run_as_they_are_written(tmp_path: Path) -> None:
    (block,) = (block for block in blocks(REPOSITORY / "README.md") if block.runs)
    with demo(tmp_path):
        (printed,) = run([block], tmp_path)
    assert "Retrying 2 pictures" in printed
    assert printed.count("vt-") > 10
