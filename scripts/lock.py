"""Write requirements/constraints.txt: the newest versions that pyproject.toml allows, one set for every Python.

pip resolves for the oldest Python first; each newer one must use the same pins, and adds only the packages
that it alone needs. Packages that PyTorch itself pins per platform are left to it.

Run with `make lock` on a machine with Python 3.11, 3.12 and 3.13 (`make lock PYTHONS="…"` names them).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scripts.interpreters import SUPPORTED, Interpreter, SetupError, installed, probe
from scripts.setup import BUILD_TOOLS, CONSTRAINTS, ROOT, say

HEADER = """\
# Every version that vitrine is installed with, on Python {versions}. Made by `make lock`; not edited by hand.
# Packages of NVIDIA's and Triton are missing on purpose: PyTorch pins its own, platform by platform.
"""

LEFT_TO_TORCH = re.compile(r"(nvidia|cuda)-.*|triton")

Pins = dict[str, str]


def resolve(interpreter: Interpreter, pins: Pins, folder: Path) -> Pins:
    """Return what pip would install on this Python under `pins`. Raises `SetupError` if there is no solution."""
    venv, constraints, report = folder / "venv", folder / "pins.txt", folder / "report.json"
    python = venv / "bin" / "python"
    constraints.write_text(render(pins), encoding="utf-8")
    commands: tuple[list[str | Path], ...] = (
        [interpreter.path, "-m", "venv", venv],
        [python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"],
        [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", report,
         "--constraint", constraints, ".[dev]", *BUILD_TOOLS],
    )  # fmt: skip
    for command in commands:
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise SetupError(f"pip finds no set of versions for Python {interpreter.version}.")
    return pins_of(json.loads(report.read_text(encoding="utf-8")))


def pins_of(report: dict[str, list[dict[str, dict[str, str]]]]) -> Pins:
    """Return the pins in pip's installation report by normalised name, without local versions of builds (`+cpu`)."""
    pins = {}
    for entry in report["install"]:
        name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
        if name != "vitrine" and not LEFT_TO_TORCH.fullmatch(name):
            pins[name] = entry["metadata"]["version"].partition("+")[0]
    return pins


def render(pins: Pins) -> str:
    """Return the lines of a constraints file."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))


def lock(interpreters: Iterable[Interpreter]) -> Pins:
    """Return one set of pins for all interpreters, resolved from the oldest to the newest."""
    pins: Pins = {}
    for interpreter in sorted(
        interpreters, key=lambda one: SUPPORTED.index(one.version), reverse=True
    ):
        say(f"resolving for Python {interpreter.version}")
        with tempfile.TemporaryDirectory() as folder:
            pins = {**resolve(interpreter, pins, Path(folder)), **pins}
    return pins


def main(paths: list[str]) -> int:
    """Lock for the Pythons at `paths`, or for all that are found. Every supported version must be present."""
    found = [one for one in map(probe, paths) if one] if paths else list(installed())
    missing = sorted(set(SUPPORTED) - {one.version for one in found})
    if missing:
        say(f"Python {', '.join(missing)} not found; the lock must hold for {', '.join(SUPPORTED)}")
        return 1
    try:
        pins = lock(found)
    except SetupError as error:
        say(str(error))
        return 1
    header = HEADER.format(versions=", ".join(reversed(SUPPORTED)))
    Path(ROOT, CONSTRAINTS).write_text(header + render(pins), encoding="utf-8")
    say(f"{len(pins)} pins written to {os.path.relpath(os.path.join(ROOT, CONSTRAINTS))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
