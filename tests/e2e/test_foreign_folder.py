"""Nothing in the folder that vitrine is started from is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.e2e.standalone_process import environment, standalone, until, vitrine
from tests.traps import set_traps, sprung
from vitrine.core.python_command import python_command

pytestmark = [pytest.mark.e2e]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory full of traps; the code is still this checkout's."""
    made = tmp_path / "shop"
    set_traps(made)
    monkeypatch.chdir(made)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    return made


def draw(folder: Path) -> Path:
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (60, 60), (80 * number, 40, 90)).save(folder / f"{number}.png")
    return folder


def test_the_service_and_its_commands_run_beside_files_named_as_packages(
    tmp_path: Path, folder: Path
) -> None:
    pictures, data = draw(tmp_path / "pictures"), tmp_path / "data"
    with standalone(data) as house:
        sent = vitrine(data, "submit", str(pictures), "--collection", "shop", "--wait")
        assert sent.returncode == 0, sent.stderr
        found = vitrine(data, "search", "--collection", "shop", "--item", "1.png", "--json")
        assert found.returncode == 0, found.stderr
        # A separate process makes the map on the first request.
        until(lambda: house.get("/v1/collections/shop/map")["state"] == "ready", "the map")
        assert workers_of_a_fleet(data, tmp_path / "fleet.log")
    assert sprung(folder) == []


def workers_of_a_fleet(data: Path, said: Path) -> bool:
    """Run `vitrine worker --devices all`, which counts GPUs and starts a worker; return whether it becomes ready."""
    with (
        said.open("wb") as log,
        subprocess.Popen(
            python_command("vitrine", "worker", "--devices", "all"),
            env=environment(data),
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            until(lambda: b"ready" in said.read_bytes() or process.poll() is not None, "a worker")
            return process.poll() is None
        finally:
            process.terminate()


def test_the_demo_runs_beside_files_named_as_packages(tmp_path: Path, folder: Path) -> None:
    catalog = str(draw(tmp_path / "pictures"))
    done = vitrine(tmp_path / "unused", "demo", "--exit", "--json", "--catalog", catalog)
    assert done.returncode == 0, done.stderr
    assert orjson.loads(done.stdout)["embedded"] == 3
    assert sprung(folder) == []


def test_a_catalog_is_drawn_by_processes_that_import_nothing_from_there(
    tmp_path: Path, folder: Path
) -> None:
    # Run as a script: the interpreter has no -P for its processes to inherit.
    script = tmp_path / "bin" / "draw.py"
    script.parent.mkdir()
    script.write_text(DRAWING.format(pictures=str(tmp_path / "drawn")))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path / "drawn")
    assert sprung(folder) == []


DRAWING = """\
from pathlib import Path
from vitrine.demo.drawing import designs, draw_catalog
if __name__ == "__main__":
    list(draw_catalog(Path({pictures!r}), seed=1, processes=2, only=designs()[:2]))
"""
