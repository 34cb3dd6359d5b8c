"""Create `.venv` with the pinned versions: Python, then pip with requirements/constraints.txt, then a stamp.

Run as `python3 -m scripts.setup [demo|test]` from the top of the checkout, as `make` does. Running it
again does nothing while the stamp is valid; after an interruption it continues where it stopped. All
messages go to stderr, because stdout belongs to the command that follows.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

from scripts.interpreters import Interpreter, SetupError, choose, probe

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONSTRAINTS = os.path.join("requirements", "constraints.txt")

EXTRAS = {"demo": "standalone", "test": "dev"}
"""Extra of pyproject.toml to install for each purpose; `dev` includes all of `standalone`."""

BUILD_TOOLS = ("pip", "hatchling", "editables")
"""Installed first, at their pins, so that building the project downloads nothing."""

INPUTS = ("pyproject.toml", CONSTRAINTS, os.path.join("scripts", "setup.py"))
"""The files that determine the environment's content."""


@dataclass(frozen=True)
class Environment:
    """The environment of a checkout, in its folder `.venv`."""

    root: str

    @property
    def folder(self) -> str:
        """Its folder."""
        return os.path.join(self.root, ".venv")

    @property
    def python(self) -> str:
        """Its interpreter."""
        return os.path.join(self.folder, "bin", "python")

    @property
    def stamp(self) -> str:
        """The file that records what was installed, written last."""
        return os.path.join(self.folder, "vitrine-setup")

    def digest(self, interpreter: Interpreter) -> str:
        """Hash everything that determines the content, including the folder's path, which scripts contain in line 1."""
        total = hashlib.sha256(f"{self.root}\n{interpreter.version}\n".encode())
        for name in INPUTS:
            with open(os.path.join(self.root, name), "rb") as file:
                total.update(file.read())
        return total.hexdigest()

    def holds(self, purpose: str, digest: str) -> bool:
        """Return whether everything that `purpose` needs is already installed from these inputs."""
        try:
            with open(self.stamp, encoding="ascii") as file:
                there, _, stamped = file.read().strip().partition(" ")
        except OSError:
            return False
        return stamped == digest and there in {purpose, "test"} and probe(self.python) is not None

    def write_stamp(self, purpose: str, digest: str) -> None:
        """Record what is installed."""
        with open(self.stamp, "w", encoding="ascii") as file:
            file.write(f"{purpose} {digest}\n")


def say(line: str) -> None:
    """Print a message for the user."""
    sys.stderr.write(f"setup: {line}\n")
    sys.stderr.flush()


def pip(environment: Environment, *arguments: str) -> None:
    """Run the environment's pip under the constraints. Raises `SetupError` if it fails."""
    # PYTHONPATH and PIP_USER would let outside packages in, or install ours outside.
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    variables.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    command = [environment.python, "-m", "pip", "install", "-c", CONSTRAINTS, *arguments]
    done = subprocess.run(command, cwd=environment.root, env=variables, stdout=2, check=False)
    if done.returncode != 0:
        raise SetupError(
            "pip could not install the dependencies; see its message above. Usually the cause is the network, a proxy "
            "or a full disk: fix that and run the same command again to resume. "
            "To start over: make clean"
        )


def make_folder(environment: Environment, interpreter: Interpreter) -> None:
    """Create the empty environment, replacing one of another Python version."""
    there = probe(environment.python) if os.path.exists(environment.python) else None
    if there and there.version == interpreter.version:
        return
    if os.path.exists(environment.folder):
        say("the environment uses another Python; creating it again")
        shutil.rmtree(environment.folder)
    say(f"making .venv with Python {interpreter.version} ({interpreter.path})")
    command = [interpreter.path, "-m", "venv", environment.folder]
    if subprocess.run(command, stdout=2, check=False).returncode != 0:
        shutil.rmtree(environment.folder, ignore_errors=True)
        raise SetupError("Python could not create .venv; see its message above.")


def check_platform(system: str, machine: str) -> None:
    """Reject the one platform without wheels before an hour is spent on it."""
    if (system, machine) == ("Darwin", "x86_64"):
        raise SetupError(
            "PyTorch no longer has builds for Intel Macs. On an Apple silicon Mac, take a native Python "
            "(this one runs under Rosetta); on an Intel one, use docker compose (see README.md)."
        )


def prepare(environment: Environment, purpose: str) -> None:
    """Install what `purpose` needs, unless it is already installed."""
    interpreter = choose()
    digest = environment.digest(interpreter)
    if environment.holds(purpose, digest):
        return
    check_platform(platform.system(), platform.machine())
    make_folder(environment, interpreter)
    say("installing the pinned versions; the first time takes a few minutes, mostly for PyTorch")
    pip(environment, "--quiet", "--upgrade", *BUILD_TOOLS)
    pip(environment, "--no-build-isolation", "--editable", f".[{EXTRAS[purpose]}]")
    environment.write_stamp(purpose, digest)
    say("the environment is ready")


def main(arguments: list[str]) -> int:
    """Run the command and return the exit code."""
    purpose = arguments[0] if arguments else "demo"
    if purpose not in EXTRAS:
        say(f"unknown purpose {purpose!r}: say {' or '.join(EXTRAS)}")
        return 2
    try:
        prepare(Environment(ROOT), purpose)
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; run the same command again to resume")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
