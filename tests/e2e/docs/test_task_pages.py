"""The pages of docs/ by task do what they say: every command runs, exits as stated, and prints what the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.e2e.docs.doc_pages import assert_shown, blocks, demo, run

pytestmark = pytest.mark.e2e

PAGES = ("ingest", "search", "models", "operate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh folder beside whose demo all pages run."""
    made = tmp_path_factory.mktemp("pages")
    with demo(made):
        yield made


@pytest.mark.parametrize("name", PAGES)
def test_the_page_runs_as_it_is_written(name: str, folder: Path) -> None:
    page = blocks(REPOSITORY / "docs" / f"{name}.md")
    assert any(block.runs for block in page)
    assert_shown(page, run(page, folder))
