"""A user's file that would be imported in place of a package is named in one sentence, and never run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE
from tests.traps import set_traps, sprung
from vitrine.cli.shadowed import NEEDED, OURS, refuse_shadowed

MODULE = [sys.executable, "-P", "-m", "vitrine"]


def run(command: list[str], folder: Path, *paths: Path | str) -> subprocess.CompletedProcess[str]:
    named = [*map(str, paths), str(REPOSITORY)]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(named), "VITRINE_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_what_is_installed_is_no_clash() -> None:
    refuse_shadowed()


@pytest.mark.parametrize(
    ("command", "trap"),
    [
        ("worker", "workers.py"), ("worker", "celery.py"), ("api", "api/__init__.py"),
        ("submit", "producer.py"), ("flower", "redis.py"), ("no-such-command", "redis.py"),
    ],
)  # fmt: skip
def test_a_file_first_on_the_path_is_named_in_one_sentence(
    tmp_path: Path, command: str, trap: str
) -> None:
    set_traps(tmp_path, trap)
    done = run([*MODULE, command], tmp_path, ".")
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("Error: ")
    assert str(tmp_path / trap) in sentence
    assert f"'{Path(trap).parts[0].removesuffix('.py')}'" in sentence
    assert f"take {tmp_path} out of PYTHONPATH" in sentence
    assert not sprung(tmp_path)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_package_of_that_name_is_told_from_the_real_one(tmp_path: Path, name: str) -> None:
    set_traps(tmp_path, f"{name}/__init__.py")
    done = run([*MODULE, "jobs"], tmp_path, tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path / name / '__init__.py'} would be imported instead of" in done.stderr
    assert not sprung(tmp_path)


@pytest.mark.parametrize("name", [*OURS, *NEEDED])
def test_a_folder_that_is_no_package_is_no_clash(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    done = run([*MODULE, "keys", "new", "shop", "--scope", "read"], tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_folder_within_the_checkout_is_not_ours(tmp_path: Path) -> None:
    """Its parent contains vitrine, but that alone does not make the file part of vitrine."""
    for name in ("vitrine", "api", "workers", "producer"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    set_traps(tmp_path / "mine", "api.py")
    done = run([*MODULE, "jobs"], tmp_path, tmp_path / "mine", tmp_path)
    assert f"{tmp_path / 'mine' / 'api.py'} would be imported" in done.stderr
    assert not sprung(tmp_path / "mine")


def test_a_checkout_of_links_is_no_clash(tmp_path: Path) -> None:
    for name in ("vitrine", "api", "workers", "producer"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    done = run([*MODULE, "keys", "new", "shop", "--scope", "read"], tmp_path, tmp_path)
    assert done.returncode == 0, done.stderr


def test_help_works_beside_any_file_and_imports_none(tmp_path: Path) -> None:
    set_traps(
        tmp_path, "api/__init__.py", "workers/__init__.py", "celery.py", "redis.py", "rich.py"
    )
    for arguments in (["--help"], ["--version"]):
        assert run([*MODULE, *arguments], tmp_path, ".").returncode == 0
    assert not sprung(tmp_path)


def test_as_a_module_it_leaves_the_working_directory_out(tmp_path: Path) -> None:
    set_traps(
        tmp_path, "api/__init__.py", "workers/__init__.py", "celery.py", "redis.py", "rich.py"
    )
    command = [sys.executable, "-m", "vitrine", "keys", "new", "shop", "--scope", "read"]
    done = run(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not sprung(tmp_path)


def test_as_a_module_of_a_checkout_its_processes_run_the_same_checkout(tmp_path: Path) -> None:
    for name in ("vitrine", "api", "workers", "producer"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    # The environment shows which checkout a command's processes would run.
    (tmp_path / "click.py").write_text("import os, sys\nsys.exit(os.environ['PYTHONPATH'])\n")
    done = run([sys.executable, "-m", "vitrine"], tmp_path)
    assert done.stderr.strip().split(os.pathsep)[0] == str(tmp_path)
