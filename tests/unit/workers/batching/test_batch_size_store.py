from __future__ import annotations

import logging
from pathlib import Path

import pytest

from workers.batching.batch_size_search import BatchSizeResult
from workers.batching.batch_size_store import FILE_NAME, BatchSizeStore

SIXTEEN = BatchSizeResult(16, 812.5)


def test_what_was_found_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    BatchSizeStore(tmp_path / "new").remember("model, card", SIXTEEN)
    BatchSizeStore(tmp_path / "new").remember("model, other card", BatchSizeResult(32, 1000.0))
    again = BatchSizeStore(tmp_path / "new")
    assert again.find("model, card") == SIXTEEN
    assert again.find("another model, card") is None
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"3"])
def test_a_broken_file_is_ignored_by_name_and_written_anew(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    sizes = BatchSizeStore(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert sizes.find("model, card") is None
    assert str(tmp_path / FILE_NAME) in caplog.text
    sizes.remember("model, card", SIXTEEN)
    assert sizes.find("model, card") == SIXTEEN


@pytest.mark.parametrize(
    "entry", ['{"size": 0, "pictures_per_s": 1}', '{"size": 4}', "7", '{"size": "x", "pictures_per_s": 1}']
)  # fmt: skip
def test_an_entry_that_is_none_is_ignored(entry: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(f'{{"model": {entry}}}', encoding="utf-8")
    assert BatchSizeStore(tmp_path).find("model") is None


def test_a_directory_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        BatchSizeStore(tmp_path / "file" / "below").remember("model", SIXTEEN)
    assert "cannot be stored" in caplog.text
