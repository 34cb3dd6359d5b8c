"""The browser that the page is tested in: found where it is, or installed as this system does it.

Run as `python -m scripts.browser` after the environment is made, which `make test` does. Where no browser can be
had nothing fails here: the browser suite skips and says so, unless VITRINE_TEST_REQUIRE_BROWSER=1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""Commands of Chromium and of its brother, as distributions call them."""
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
APT = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")


def find() -> str | None:
    """The path of a browser: what VITRINE_TEST_BROWSER names, else one that is installed."""
    named = os.environ.get("VITRINE_TEST_BROWSER")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or next(filter(os.path.exists, APPLICATIONS), None)


def install() -> bool:
    """Install Debian's Chromium where that needs no password; False where it did not come to that."""
    command = _allowed(APT)
    if command is None:
        return False
    sys.stderr.write("setup: installing chromium, in which the page is tested\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=2, check=False)
    return done.returncode == 0


def _allowed(command: tuple[str, ...]) -> list[str] | None:
    """The command as this user may run it; None where it is not there, or would ask for a password."""
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
    """Whether apt's chromium is the browser itself; Ubuntu's is a snap, which a container cannot start."""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            return "ID=debian\n" in file.read()
    except OSError:
        return False


def main() -> int:
    """Make sure of a browser, or say how the user may."""
    if find() is None and not (install() and find()):
        sys.stderr.write(
            "setup: no Chromium is here and none could be installed; the page's tests will be skipped. "
            "Install chromium or Chrome, or name one in VITRINE_TEST_BROWSER.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
