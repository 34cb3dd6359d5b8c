"""Installation of Debian packages that tests use, if no password is needed; otherwise they are skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_UPDATE = ("apt-get", "update")
_APT = ("apt-get", "install", "--yes", "--no-install-recommends")


def install(package: str, purpose: str) -> bool:
    """Install a package. Returns False if it was not installed. `purpose` is shown to the user."""
    command = _allowed((*_APT, package))
    if command is None:
        return False
    sys.stderr.write(f"setup: installing {package}, {purpose}\n")
    # A new machine has no package lists yet, or outdated ones.
    return _run(command) or bool((update := _allowed(_UPDATE)) and _run(update) and _run(command))


def _run(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, stdout=2, check=False).returncode == 0


def _allowed(command: tuple[str, ...]) -> list[str] | None:
    """Return the command as this user can run it, or None if it is missing or would ask for a password."""
    if shutil.which(command[0]) is None or not _is_debian():
        return None
    if os.geteuid() == 0:
        return list(command)
    sudo = shutil.which("sudo")
    if (
        sudo is None
        or subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode
    ):
        return None
    return [sudo, "-n", *command]


def _is_debian() -> bool:
    """Return whether this is Debian itself: some Ubuntu packages are snaps, which a container cannot start."""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            return "ID=debian\n" in file.read()
    except OSError:
        return False
