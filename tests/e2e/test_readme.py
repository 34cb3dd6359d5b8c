"""The README's five minutes work as pasted: next to the demo, in a fresh folder, from another terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE, wait_until
from vitrine.core.service_discovery import runtime_file

pytestmark = pytest.mark.e2e


def _block() -> str:
    page = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return str(block)


def test_the_five_minutes_run_as_they_stand(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    log = (tmp_path / "demo.log").open("wb")
    demo = subprocess.Popen(
        ["vitrine", "demo", "--data-dir", "demo"],
        cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        report = "neighbours"  # last line of the report: it is up, and stays so
        wait_until(
            lambda: demo.poll() is not None or report in (tmp_path / "demo.log").read_text(),
            "the demo",
        )
        assert demo.poll() is None, (tmp_path / "demo.log").read_text()
        assert runtime_file(tmp_path / "demo" / "data").is_file()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _block()],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Retrying 2 pictures" in done.stderr or "tried again" in done.stderr
        assert done.stdout.count("vt-") > 10
        assert "Traceback" not in done.stdout + done.stderr
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(PATIENCE)
        log.close()
