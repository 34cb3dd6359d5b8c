"""The demo from end to end, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.patience import PATIENCE, SETTINGS

KEYS = {
    "items", "images", "embedded", "failed", "seconds", "images_per_s", "search_p50_ms", "neighbour_precision",
}  # fmt: skip


def run_demo(*arguments: str, temporary: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **SETTINGS, "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "vitrine", "demo", "--exit", "--json", *arguments]
    return subprocess.run(
        command, capture_output=True, env=environment, check=False, timeout=PATIENCE
    )


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for the demo's own folder, with a short path because socket paths are limited."""
    with tempfile.TemporaryDirectory(prefix="vt-") as made:
        yield Path(made)


@pytest.mark.e2e
def test_the_demo_embeds_what_it_drew_and_names_what_failed(temporary: Path) -> None:
    done = run_demo(temporary=temporary)
    assert done.returncode == 0, done.stderr.decode()
    report = orjson.loads(done.stdout)
    assert set(report) == KEYS
    assert report["items"] >= 360
    assert report["failed"] == {
        "not_found": 2, "not_an_image": 1, "truncated": 1, "too_large": 2, "forbidden_address": 2,
        "malformed_row": 2,
    }  # fmt: skip
    assert report["embedded"] + sum(report["failed"].values()) == report["images"]
    assert report["neighbour_precision"] >= 0.8
    assert report["search_p50_ms"] > 0
    assert not list(temporary.iterdir()), "the demonstration leaves nothing behind"


@pytest.mark.e2e
def test_the_demo_runs_on_one_s_own_folder(temporary: Path, tmp_path: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (60, 60), (80 * number, 40, 90)).save(tmp_path / f"{number}.png")
    (tmp_path / "3.jpg").write_bytes(b"this is no picture")
    done = run_demo("--catalog", str(tmp_path), temporary=temporary)
    assert done.returncode == 3, done.stderr.decode()
    report = orjson.loads(done.stdout)
    assert (report["items"], report["embedded"], report["failed"]) == (4, 3, {"not_an_image": 1})
    assert report["neighbour_precision"] is None


@pytest.mark.e2e
def test_a_folder_without_pictures_is_told_in_a_sentence(temporary: Path, tmp_path: Path) -> None:
    done = run_demo("--catalog", str(tmp_path), temporary=temporary)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"There is no picture in" in done.stderr
    assert b"Traceback" not in done.stderr
