from __future__ import annotations

import ast
import shlex
import tomllib
from importlib import import_module
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


def test_the_python_lines_import_names_that_there_are(dockerfile: str) -> None:
    programs = _python_lines(dockerfile)
    imports = [
        node
        for program in programs
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert any(isinstance(node, ast.ImportFrom) for node in imports)
    for node in imports:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                assert hasattr(import_module(node.module or ""), alias.name), ast.unparse(node)
            else:
                import_module(alias.name)


def _python_lines(dockerfile: str) -> list[str]:
    """Return the programs that RUN lines give to `python -c`, as the shell passes them on."""
    lines = dockerfile.replace("\\\n", "").splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("RUN ")]
    return [
        words[at + 2]
        for words in commands
        for at in range(len(words) - 2)
        if words[at : at + 2] == ["python", "-c"]
    ]
