from __future__ import annotations

from pathlib import Path

from vitrine.store.disk_usage import disk_bytes


def test_files_of_all_folders_count_and_holes_do_not(tmp_path: Path) -> None:
    assert disk_bytes(tmp_path) == 0
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "vectors").write_bytes(b"v" * 300_000)
    full = disk_bytes(tmp_path)
    assert full >= 300_000
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 30)
    assert disk_bytes(tmp_path) < full + (1 << 20)


def test_a_folder_that_has_gone_takes_nothing(tmp_path: Path) -> None:
    assert disk_bytes(tmp_path / "gone") == 0
