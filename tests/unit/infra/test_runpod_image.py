from __future__ import annotations

import tomllib
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    return (root / "infra" / "runpod" / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_runs_the_handler_that_is_here(root: Path, dockerfile: str) -> None:
    assert "COPY infra/runpod/handler.py /opt/vitrine/handler.py" in dockerfile
    assert dockerfile.rstrip().endswith('CMD ["python", "-u", "/opt/vitrine/handler.py"]')
    assert (root / "infra" / "runpod" / "handler.py").is_file()


def test_the_image_installs_an_extra_that_there_is(root: Path, dockerfile: str) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert '".[runpod]"' in dockerfile
    assert any(one.startswith("runpod") for one in project["optional-dependencies"]["runpod"])


def test_the_image_does_not_run_as_root(dockerfile: str) -> None:
    before, _, after = dockerfile.rpartition("USER ")
    assert "useradd --uid 10001" in before
    assert after.startswith("10001:10001")
