"""The cost of imports: commands start fast, and the API runs on a machine without PyTorch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import PATIENCE

HEAVY = ("torch", "transformers", "fastapi", "PIL", "pycurl", "qdrant_client", "pyarrow")


def loaded_by(imports: str, suspects: tuple[str, ...]) -> list[str]:
    """Return which of the suspects are in `sys.modules` after the imports, in a fresh interpreter."""
    program = f"import sys\nimport {imports}\nprint(*(set({suspects!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return done.stdout.split()


@pytest.mark.parametrize("module", ["vitrine", "vitrine.cli", "producer"])
def test_the_core_the_console_and_the_producer_start_light(module: str) -> None:
    assert loaded_by(module, HEAVY) == []


@pytest.mark.parametrize("module", ["api", "api.app", "api.server"])
def test_the_api_loads_no_model_and_no_fetcher(module: str) -> None:
    assert loaded_by(module, ("torch", "transformers", "pycurl")) == []


def test_the_workers_health_check_loads_no_model() -> None:
    assert loaded_by("workers.celery_app.health", ("torch", "transformers")) == []


def test_importing_writes_nothing_and_reads_no_setting() -> None:
    """An invalid setting is reported by the command that reads it, not by an import."""
    program = "import vitrine.cli, producer, api.app, workers.app"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={"VITRINE_BATCH_SIZE": "many", "VITRINE_DATA_DIR": "/dev/null/nowhere", "PATH": ""},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
